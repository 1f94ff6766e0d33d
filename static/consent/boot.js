// What every page of a site loads first: reads the visitor's choice, tells it, and lets run what it allows. The banner
// is in ui.js, which comes only where it is needed. Served by apps/cookies/views/script.py without these comments and
// with the site's facts as `site`. docs/consent.md names what site owners rely on.
(site => {
  const w = window, d = document, root = d.documentElement, own = d.currentScript;
  if (w.portalConsent) return; // the snippet is there twice
  const base = new URL(own.src).origin, nonce = own.nonce;
  const NAMES = ["performance", "functional", "marketing"];
  // As apps/cookies/choice.py reads it; the odd classes let pass only the id of an event, a UUID of version 7.
  const FORM = /^portal_consent=1\.([\w-]{22})\.(\d{1,6})\.([01]{3})\.([0-9a-z]{1,9})\.([\w-]{8}[c-f][\w-][CGKOSWaeimquy26-][\w-]{11})\.[01]$/;
  const WAITING = "[data-consent]:is([data-src],script[type='text/plain'])";
  const gpc = navigator.globalPrivacyControl === true;
  const holders = new WeakMap(), shown = new WeakSet(), queue = [], ran = {};
  let now = null, last = null, taken = [], busy, trust, ui;

  // By the calendar: the last day of the month where there is no such day.
  const until = at => {
    const end = new Date(at), day = end.getUTCDate();
    end.setUTCMonth(end.getUTCMonth() + site.months);
    if (end.getUTCDate() != day) end.setUTCDate(0);
    return end;
  };

  // The newest choice that counts, or null. `last`, the newest of all, gives the next one its visitor and its `previous`.
  const read = () => {
    const time = Date.now(), all = d.cookie.split("; ").flatMap(part => {
      const [, visitor, material, digits, decided, event] = FORM.exec(part) || [], at = new Date(parseInt(decided, 36) * 1e3);
      return visitor && at > 0 ? { visitor, event, at, material, yes: NAMES.filter((name, i) => digits[i] > 0 && !(gpc && i > 1)) } : [];
    }).sort((one, other) => other.at - one.at);
    last = all[0] || last;
    return all.find(({ at, material }) => material == site.material && at < time + 864e5 && until(at) > time) || null;
  };

  const may = name => name == "necessary" || !!now && now.yes.includes(name);
  const get = () => {
    if (!now) return null;
    const said = { necessary: true, gpc, at: now.at, id: now.event };
    for (const name of NAMES) said[name] = may(name);
    return said;
  };

  // Google Consent Mode v2: all seven signals each time.
  const layer = w.dataLayer = w.dataLayer || [];
  function gtag() { layer.push(arguments); }
  const signal = kind => {
    const [performance, functional, marketing] = NAMES.map(name => may(name) ? "granted" : "denied");
    gtag("consent", kind, {
      ad_storage: marketing, ad_user_data: marketing, ad_personalization: marketing, analytics_storage: performance,
      functionality_storage: functional, personalization_storage: functional, security_storage: "granted"
    });
  };
  const mark = () => root.dataset.consent = NAMES.filter(may).join(" ");
  const apply = next => {
    const gone = now ? now.yes.filter(name => !next.yes.includes(name)) : [];
    taken = next.yes[0] ? gone : NAMES;
    now = last = next;
    mark();
    signal("update");
    scan(d);
    taken = [];
    d.dispatchEvent(new CustomEvent("portal-consent", { detail: get() }));
    perhaps(it => it.end(gone));
  };

  const ready = new Promise(go => d.readyState == "loading" ? d.addEventListener("DOMContentLoaded", go) : go());
  const idle = work => (w.requestIdleCallback || setTimeout)(work, { timeout: 2e3 });

  // import() needs no policy for Trusted Types and carries this script's nonce along.
  const load = () => ui = ui || import(`${base}/consent/ui.${site.ui[lang()]}.js?site=${site.key}&lang=${lang()}&v=${site.number}`)
    .then(module => module.default(kit)).catch(error => { ui = 0; throw error; });
  const lang = () => [root.lang.slice(0, 2).toLowerCase(), ...Object.keys(site.ui)].find(each => each in site.ui);
  const use = work => ready.then(load).then(work);
  const perhaps = work => use(work).catch(() => {});

  // Scripts, one by one: each in a task of its own, an external one without `async` is waited for.
  const run = () => {
    if (busy || !queue.length) return;
    busy = 1;
    ready.then(() => idle(() => {
      const next = () => { busy = 0; run(); }, old = queue.shift(), name = old.dataset.consent;
      if (!may(name) || !old.isConnected || old.noModule) { shown.delete(old); return next(); }
      try {
        const script = d.createElement("script"), src = old.dataset.src || old.getAttribute("src");
        if (!trust) {
          const rules = { createScript: String, createScriptURL: String };
          try { trust = w.trustedTypes.createPolicy("portal-consent", rules); } catch { trust = rules; }
        }
        for (const { name, value } of old.attributes) if (!/^(type|nonce|src|data-(src|type))$/.test(name)) script.setAttribute(name, value);
        if (old.dataset.type) script.type = old.dataset.type;
        script.nonce = nonce;
        if (src) script.src = trust.createScriptURL(src); else script.text = trust.createScript(old.text);
        const waits = src && !(script.async = old.hasAttribute("async")) && /^$|module|javascript/.test(script.type);
        if (waits) script.addEventListener("load", next), script.addEventListener("error", next);
        old.replaceWith(script);
        ran[name] = 1;
        waits || next();
      } catch { next(); }
    }));
  };

  // Pictures and frames.
  const show = each => {
    const link = d.createElement("a"), { src } = each.dataset;
    holders.get(each)?.remove();
    if (holders.delete(each)) each.style.display = "";
    shown.add(each);
    link.href = src;
    if (/^http/.test(link.protocol) && each.getAttribute("src") != src) each.src = src;
  };
  // What was shown once stays, until its category is withdrawn or everything is refused.
  const hold = each => {
    if (!shown.has(each)) ready.then(() => idle(() => {
      if (!may(each.dataset.consent) && !shown.has(each) && each.offsetWidth > 99 && each.offsetHeight > 39) perhaps(it => it.hold(each));
    }));
    else if (taken.includes(each.dataset.consent)) {
      const fresh = each.cloneNode(true); // a frame that is only emptied would go on
      fresh.removeAttribute("src");
      each.replaceWith(fresh); // the observer meets it
    }
  };

  const take = each => {
    const allowed = may(each.dataset.consent);
    if (each.localName != "script") allowed ? show(each) : hold(each);
    else if (allowed && !shown.has(each) && (!nonce || each.nonce == nonce)) {
      // Text that somebody smuggled into a page has no nonce, and must not become a script here.
      shown.add(each);
      queue.push(each);
      run();
    }
  };
  const scan = place => {
    if (place.matches?.(WAITING)) take(place);
    place.querySelectorAll(WAITING).forEach(take);
  };

  // Names of what the site keeps for categories that are refused, as patterns.
  const refused = kind => NAMES.filter(name => !may(name)).flatMap(name => site.kept[name]?.[kind] || [])
    .map(name => new RegExp(`^${name.replace(/[^\w*]/g, "\\$&").replace(/\*/g, ".*")}$`));
  const has = (patterns, name) => patterns.some(each => each.test(name));

  const kit = { NAMES, base, gpc, own, holders, ran, refused, has, until, read, apply, get, may, show, now: () => now, last: () => last };
  w.portalConsent = {
    get,
    set: (answers, method) => use(it => it.set(answers, method || "page")),
    open: opener => use(it => it.open(opener)),
    onChange(fn) {
      const tell = () => fn(get());
      d.addEventListener("portal-consent", tell);
      return () => d.removeEventListener("portal-consent", tell);
    }
  };

  signal("default");
  now = read();
  mark();
  if (now) signal("update");
  new MutationObserver(list => {
    for (const { addedNodes } of list) for (const node of addedNodes) if (node.nodeType == 1) scan(node);
  }).observe(root, { childList: true, subtree: true });
  scan(d);

  d.addEventListener("click", event => {
    const opener = event.target.closest?.("[data-consent-open]");
    if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    w.portalConsent.open(opener).catch(() => { if (opener.href) location = opener.href; });
  });
  // Chosen in another tab, or before this page came back from the browser's cache.
  for (const kind of ["focus", "pageshow"]) addEventListener(kind, () => {
    const next = read();
    if (next && next.event != now?.event) apply(next);
  });

  // Kept by another host of the site, or by a tag that went on after a withdrawal.
  const gone = now ? refused("cookie") : [];
  if (d.cookie.split("; ").some(part => has(gone, part.split("=")[0]))) perhaps(it => it.clean());
  let unsent;
  try { unsent = localStorage.getItem("portal-consent-queue"); } catch {}
  const handed = /^#portal-consent=(.*)/.exec(location.hash);
  if (w == w.top) { // in a frame nobody is asked: the page around it could get a yes by a trick
    if (handed) perhaps(it => it.take(handed[1], site.asks));
    else if (site.asks && !now) perhaps(it => it.ask());
  }
  if (unsent) perhaps(it => it.send());
})
