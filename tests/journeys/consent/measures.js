// What is measured in the browser: sizes, fonts and contrasts as they are drawn, not as a style sheet means them.
(() => {
  // Colours as drawn: any notation becomes sRGB through a canvas; a transparent one shows what lies behind it.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((each, i) => each * top[3] + below[i] * (1 - top[3]));
  const behind = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement || each.getRootNode().host)
      layers.push(rgba(getComputedStyle(each).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = colour => {
    const [r, g, b] = colour.map(each => (each /= 255) <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const words = element => contrast(over(rgba(getComputedStyle(element).color), behind(element)), behind(element));
  const layer = document.querySelector("portal-consent").shadowRoot.firstElementChild;
  const all = [...layer.querySelectorAll("*")];

  const button = id => {
    const found = layer.querySelector("#" + id), { width, height } = found.getBoundingClientRect();
    const { fontSize, fontWeight, fontFamily, opacity } = getComputedStyle(found);
    return {
      tag: found.tagName, parent: all.indexOf(found.parentElement), area: width * height, fontSize, fontWeight, fontFamily,
      opacity, text: words(found), background: contrast(behind(found), behind(layer))
    };
  };
  const has_words = each => [...each.childNodes].some(node => node.nodeType == 3 && node.data.trim());
  const is_in_a_sentence = each => each.localName == "a" && getComputedStyle(each).display == "inline" && each.closest("p");
  return {
    buttons: () => ({ accept: button("accept"), reject: button("reject") }),
    // Words that are hard to read (WCAG 2.2, 1.4.3).
    faint: () => all.filter(each => has_words(each) && each.checkVisibility() && words(each) < 4.5)
      .map(each => `${each.localName} ${words(each).toFixed(2)} ${each.textContent.slice(0, 30)}`),
    // WCAG 2.2, 2.5.8: 24 by 24 pixels, but for links inside a sentence. A box is pressed through its label as well.
    small: () => all.filter(each => each.matches("button, a, input, summary") && each.checkVisibility() && !is_in_a_sentence(each))
      .map(each => [each, (each.closest("label") || each).getBoundingClientRect()])
      .filter(([, box]) => box.width < 24 || box.height < 24)
      .map(([each, box]) => `${each.id || each.localName} ${box.width} x ${box.height}`),
    // The buttons in the order of the document, and as the eye meets them, line by line from the side one reads from.
    order: () => {
      const dir = getComputedStyle(layer).direction, buttons = [...layer.querySelectorAll("button")];
      const box = each => each.getBoundingClientRect(), along = each => dir == "rtl" ? -box(each).right : box(each).left;
      const seen = [...buttons].sort((a, b) => Math.round(box(a).top - box(b).top) || along(a) - along(b));
      return { dir, ids: buttons.map(each => each.id), seen: seen.map(each => each.id) };
    }
  };
})()
