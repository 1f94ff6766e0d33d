// The banner, the preferences, the placeholders, and all that a decision sets going. `T` stands before it: the facts
// and words of one site in one language (apps/cookies/script.py). Loaded by boot.js, whose kit it gets.
export default kit => {
  const { NAMES, base, gpc, own, holders } = kit, d = document, w = window, words = T.words;
  const KEY = "portal-consent-queue", STATE = "portal-consent-state";
  let host, root, layer, banner, opener, isLeaving, isTold, memory;

  // --- elements: no markup is parsed, so no policy for Trusted Types is needed ---
  const h = (tag, props, ...inside) => {
    const made = d.createElement(tag);
    for (const name in props) name in made ? made[name] = props[name] : made.setAttribute(name, props[name]);
    made.append(...inside);
    return made;
  };
  const shadow = each => {
    const inner = each.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet;
    sheet.replaceSync(T.css);
    inner.adoptedStyleSheets = [sheet];
    return inner;
  };
  const button = (id, text, act) => h("button", { type: "button", id, onclick: act }, text);
  const buttons = (method, id, text, act) => h("div", { className: "actions" },
    button("accept", words.accept, () => decide(NAMES, method)),
    button("reject", words.reject, () => decide([], method)),
    button(id, text, act));
  const more = () => h("a", { href: base + "/cookies/", onclick: event => layer == banner && !event.ctrlKey && (event.preventDefault(), open(0)) }, words.more);
  const signalled = () => gpc ? [h("p", { className: "signal" }, words.gpc)] : [];

  // --- two layers, one at a time ---
  const put = next => {
    if (!host) {
      host = h("portal-consent", {});
      host.style.colorScheme = own.dataset.scheme || "";
      root = shadow(host);
      d.documentElement.insertBefore(host, d.body); // first in the order of reading, and it moves nothing
    }
    layer?.remove();
    layer = next;
    if (!layer) return;
    root.append(layer);
    isTold ||= post("", { shown: T.text, site: T.site }).catch(() => 0);
  };
  const ask = () => {
    if (kit.get() || layer) return;
    banner ||= h("section", { id: "banner", role: "dialog", "aria-labelledby": "title", lang: T.lang, dir: T.dir },
      h("h2", { id: "title" }, words.title),
      h("div", { className: "words" }, h("p", {}, words.text), h("p", {}, words.withdrawal, " ", more()), ...signalled()),
      buttons("banner", "choose", words.choose, () => open(0)));
    isLeaving = 0;
    put(banner);
  };
  const open = from => {
    if (layer?.open) return;
    opener = from ?? d.activeElement;
    const boxes = {}, lists = {}, kept = kit.get(), dialog = h("dialog", { id: "preferences", "aria-labelledby": "title", lang: T.lang, dir: T.dir });
    const part = name => {
      const { name: title, text } = words.categories[name], isFixed = name == "necessary";
      boxes[name] = h("input", {
        type: "checkbox", id: name, checked: isFixed || !!kept && kept[name],
        disabled: isFixed || gpc && name == "marketing", "aria-describedby": name + "-text"
      });
      lists[name] = h("details", {}, h("summary", {}, words.more), h("ul", {}));
      return h("section", {}, h("label", {}, boxes[name], h("b", {}, title), ...isFixed ? [h("small", {}, words.always)] : []),
        h("p", { id: name + "-text" }, text), lists[name]);
    };
    dialog.append(
      h("div", { className: "head" }, h("h2", { id: "title", tabIndex: -1, autofocus: true }, words.settings),
        h("button", { type: "button", id: "back", "aria-label": kept ? words.close : words.back, onclick: () => dialog.close() }, "✕")),
      h("div", { className: "words" }, h("p", {}, words.withdrawal, " ", words.scope), ...signalled(), part("necessary"), ...NAMES.map(part)),
      buttons("preferences", "save", words.save, () => decide(NAMES.filter(name => boxes[name].checked), "preferences")));
    // Escape, or back: nothing is decided. Without a choice the first layer is there again.
    dialog.onclose = () => {
      put();
      if (isLeaving || kit.get()) return opener?.focus?.();
      ask();
      (opener === 0 ? root.getElementById("choose") : opener)?.focus?.();
    };
    isLeaving = 0;
    put(dialog);
    dialog.showModal();
    list(lists);
  };
  const list = async lists => {
    try {
      const { columns, entries } = await (await fetch(`${base}/consent/register/${T.site}/${T.number}/${T.lang}.json`)).json();
      for (const name in lists) {
        const [summary, into] = lists[name].children, rows = entries[name] || [];
        summary.append(` (${rows.length})`);
        into.append(...rows.map(row => h("li", {}, h("bdi", {}, row.name), h("dl", {}, ...Object.keys(columns).flatMap(
          key => row[key] && key != "name" ? [h("dt", {}, columns[key]), h("dd", {}, h("bdi", {}, row[key]))] : [])))));
      }
    } catch { for (const name in lists) lists[name].replaceWith(more()); }
  };
  // Gone for the eye at once; for the pointer a little later, so that a double click meets nothing below.
  const leave = () => {
    const gone = layer;
    isLeaving = 1;
    gone?.classList.add("gone");
    setTimeout(() => { if (layer == gone) gone?.open ? gone.close() : put(); }, 300);
  };

  // --- a decision ---
  const b64 = bytes => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").slice(0, 22);
  const uuid = bytes => [...bytes].map(byte => (byte + 256).toString(16).slice(1)).join("").replace(/(.{8})(....)(....)(....)/, "$1-$2-$3-$4-");
  const random = () => crypto.getRandomValues(new Uint8Array(16));
  const stamped = (bytes, time) => { // UUID version 7, RFC 9562
    for (let i = 6; i--; time = Math.floor(time / 256)) bytes[i] = time % 256;
    bytes[6] |= 112, bytes[6] &= 127;
    bytes[8] |= 128, bytes[8] &= 191;
    return bytes;
  };
  const unb64 = text => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), c => c.charCodeAt());
  const write = (value, age, rest = "") => d.cookie = `portal_consent=${value}; Path=/; Max-Age=${age}; SameSite=Lax` + (location.protocol == "https:" ? "; Secure" : "") + rest;
  // Where the site's domain is refused, for this host alone.
  const store = (value, at) => {
    const age = Math.floor((kit.until(at) - Date.now()) / 1e3);
    if (T.domain) write("", 0), write(value, age, "; Domain=" + T.domain);
    if (!d.cookie.includes(value)) write(value, age);
  };

  // `at`: when it was said, where that was on another domain: it counts no longer here than there.
  const decide = (yes, method, at = new Date) => {
    if (isLeaving && method != "page" && method != "placeholder") return;
    yes = NAMES.filter(name => yes.includes(name) && !(gpc && name == "marketing"));
    const was = kit.read() || kit.now(), before = kit.last(), bytes = stamped(random(), Date.now()), event = b64(bytes);
    const visitor = before?.visitor || b64(random()), withdrawn = was ? was.yes.filter(name => !yes.includes(name)) : [];
    // 1. remembered, at once
    store([1, visitor, T.material, NAMES.map(name => +yes.includes(name)).join(""), Math.floor(at / 1e3).toString(36), event, +gpc].join("."), at);
    // 2. kept until the server has it
    keep([...waiting(), {
      id: uuid(bytes), visitor, site: T.site, choices: Object.fromEntries(NAMES.map(name => [name, yes.includes(name)])), method, action: withdrawn[0] && !yes.some(name => !was.yes.includes(name)) ? "withdrawn" : "chosen",
      text: T.text, language: T.lang, register: T.number, gpc, page: (location.origin + location.pathname).slice(0, 300),
      previous: before ? uuid(unb64(before.event)) : null, at: at.toISOString()
    }]);
    leave();
    // 3. obeyed and sent, after the page is painted
    return new Promise(done => setTimeout(() => {
      kit.apply({ visitor, event, at, yes });
      send();
      done(kit.get());
    }));
  };
  const set = (answers, method, at) => decide(NAMES.filter(name => name in answers ? answers[name] : kit.may(name)), method, at);

  // --- a change is obeyed, wherever it was made: in this tab, in another, before this page came back from the cache ---
  const end = withdrawn => {
    for (const wait of [0, 500, 1500]) setTimeout(clean, wait);
    // What is not sent by then goes from the page that comes.
    if ("reload" in own.dataset && withdrawn.some(name => kit.ran[name])) setTimeout(() => location.reload(), 300);
  };

  // --- what was refused goes: every variant of a cookie that this host can reach ---
  const clean = () => {
    const { has, refused } = kit, cookies = refused("cookie"), bases = refused("indexed_db");
    const domains = location.hostname.split(".").map((_, i, all) => "; Domain=" + all.slice(i).join("."));
    const paths = location.pathname.split("/").flatMap((_, i, all) => [all.slice(0, i).join("/"), all.slice(0, i).join("/") + "/"]);
    for (const part of d.cookie.split("; ")) {
      const name = part.split("=")[0];
      if (name != "portal_consent" && has(cookies, name))
        for (const domain of ["", ...domains]) for (const path of new Set(paths))
          d.cookie = `${name}=; Max-Age=0; Path=${path || "/"}${domain}` + (location.protocol == "https:" ? "; Secure" : "");
    }
    for (const kind of ["local", "session"]) try {
      const store = w[kind + "Storage"], names = refused(kind + "_storage");
      for (const name of Object.keys(store)) if (name != KEY && has(names, name)) store.removeItem(name);
    } catch {}
    if (bases[0]) indexedDB.databases?.().then(all => all.forEach(({ name }) => has(bases, name) && indexedDB.deleteDatabase(name)));
  };
  addEventListener("pagehide", () => kit.now() && clean());

  // --- the proof: waits in this browser until the server has it ---
  // `memory` holds it only where the browser keeps nothing: all tabs go by the same list.
  const waiting = () => { try { return memory || JSON.parse(localStorage.getItem(KEY)) || []; } catch { return []; } };
  const keep = list => {
    memory = 0;
    try { list[0] ? localStorage.setItem(KEY, JSON.stringify(list)) : localStorage.removeItem(KEY); } catch { memory = list; }
  };
  const post = (path, body) => fetch(`${base}/api/v1/cookie-choices${path}`, { method: "POST", body: JSON.stringify(body), keepalive: true, credentials: "omit" });
  const flush = async () => {
    let one, known;
    for (let left = 99; left-- && ([one] = waiting()) && one;) try {
      const { id } = one, answer = await post("", one), { status } = answer, said = status == 422 ? await answer.json() : {};
      if (said.code == "clock" && id != known) { known = restamp(id, Date.parse(said.now)); continue; }
      if (status > 499 || status == 429) return;
      keep(waiting().filter(each => each.id != id));
    } catch { return; }
  };
  // This browser's clock is wrong: the server's, and the same random part. Whatever names the old id names the new one.
  const restamp = (id, time) => {
    const bytes = Uint8Array.from(id.match(/[^-]{2}/g), each => parseInt(each, 16));
    const was = b64(bytes), event = b64(stamped(bytes, time)), fresh = uuid(bytes), mine = kit.read();
    keep(JSON.parse(JSON.stringify(waiting()).replaceAll(id, fresh)));
    if (mine?.event == was) store(d.cookie.split(/[ ;=]/).find(part => part.includes(was)).replace(was, event), mine.at);
    for (const each of [kit.now(), kit.last()]) if (each?.event == was) each.event = event;
    return fresh;
  };
  const send = () => navigator.locks ? navigator.locks.request(KEY, flush).catch(flush) : flush();
  addEventListener("online", send);

  // --- a choice handed over by another domain: taken only where this tab asked for it, else a link could bring anybody's ---
  const take = async (said, asks) => {
    history.replaceState(history.state, "", location.href.replace("#portal-consent=" + said, ""));
    try {
      const known = sessionStorage[STATE], state = b64(random());
      delete sessionStorage[STATE];
      if (said >= 0) { // there is one, of that second: the portal gives it to who asks
        if (kit.now()?.at >= said * 1e3) return;
        sessionStorage[STATE] = state;
        return location.replace(`${base}/cookies/continue/?state=${state}&to=${encodeURIComponent(location.href)}`);
      }
      const answer = await post("/handover", { token: said, state: known, site: T.site });
      const { choices, at: time } = answer.ok ? await answer.json() : {}, at = new Date(time);
      if (choices && kit.until(at) > Date.now() && !(kit.read()?.at >= at)) return await set(choices, "handover", at);
    } catch {}
    if (asks) ask();
  };

  // --- in place of a blocked frame or picture, of its size ---
  const hold = each => {
    if (holders.has(each)) return;
    const { width, height } = each.getBoundingClientRect(), place = h("portal-consent-placeholder", { className: each.className, lang: T.lang, dir: T.dir });
    // its colours are the page's, in which it stands
    place.style = `width:${width}px;min-height:${height}px;max-width:100%;color-scheme:inherit;display:${getComputedStyle(each).display == "block" ? "block" : "inline-block"}`;
    const name = each.dataset.consent;
    shadow(place).append(h("div", { className: "place" },
      h("p", {}, h("bdi", {}, h("b", {}, new URL(each.dataset.src, d.baseURI).host)), h("br", {}), words.placeholder.text),
      h("div", { className: "actions" }, button("once", words.placeholder.once, () => kit.show(each)),
        ...gpc && name == "marketing" ? [] : [button("always", words.placeholder.always, () => set({ [name]: true }, "placeholder"))])));
    holders.set(each, place);
    each.style.setProperty("display", "none", "important");
    each.before(place);
  };

  d.addEventListener("portal-consent", () => banner && layer == banner && !isLeaving && leave()); // chosen in another tab
  return { ask, open, set, hold, send, take, clean, end };
};
