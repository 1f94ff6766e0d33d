// A stranger as many are: cookies for the host and for its whole domain, a database, and a signal that never ends.
(() => {
  const id = Math.random().toString(36).slice(2);
  document.cookie = "ads_click=" + id + "; path=/; max-age=7776000; samesite=lax";
  document.cookie = "ads_click=" + id + "; domain=example.localhost; path=/; max-age=7776000; samesite=lax";
  document.cookie = "ads_profile=" + id + "; domain=example.localhost; path=/; max-age=33696000; samesite=lax";
  document.documentElement.dataset.ads = "ran";
  const opening = indexedDB.open("ads_interests", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("seen", { autoIncrement: true });
  opening.onsuccess = () => { opening.result.transaction("seen", "readwrite").objectStore("seen").add(location.pathname); opening.result.close(); };
  setInterval(() => { new Image().src = "{{ here }}/demo-site/tags/pixel.gif?" + Date.now(); }, 500);
})();
