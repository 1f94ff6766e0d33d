// A well-behaved stranger: counts visits, and stops when the visitor says so.
(() => {
  const domain = location.hostname.endsWith(".example.localhost") ? "; domain=example.localhost" : "";
  document.cookie = "stats_id=" + Math.random().toString(36).slice(2) + domain + "; path=/; max-age=31536000; samesite=lax";
  localStorage.setItem("stats_queue", JSON.stringify([location.pathname]));
  const beat = () => { new Image().src = "{{ here }}/demo-site/tags/beat.gif?" + Date.now(); };
  const beats = setInterval(beat, 500);
  document.addEventListener("portal-consent", (event) => {
    if (event.detail && !event.detail.performance) clearInterval(beats);
  });
  beat();
})();
