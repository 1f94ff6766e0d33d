// The sample company's own script: half a second after the page it adds elements, as sites do, and these wait as well.
addEventListener("load", () => {
  const later = document.getElementById("later");
  if (later) setTimeout(() => document.body.append(document.importNode(later.content, true)), 500);
});
