// Where htmx swaps parts of a page, their markup passes here: the one Trusted Types policy that such a page may have.
// Safe because what is looked at is what is used. It opens the two parsers alone, which make a document without scripts,
// for one sink; there the same text gives the same tree again. All other sinks (innerHTML and its kin, script text,
// script addresses) get nothing: no function here makes anything for them. Looking needs a parser too, hence the flag.
"use strict";
{
  const PARSERS = ["Document parseHTMLUnsafe", "DOMParser parseFromString"];
  const NEVER = "script, noscript, style, link, meta, base, iframe, frame, object, embed, [shadowrootmode]";
  // Elements of a form can take the names of its own methods and properties, so these are asked of the prototype.
  const { matches, getAttributeNames, getAttribute } = Element.prototype;
  const isPlain = (element) =>
    !matches.call(element, NEVER) &&
    getAttributeNames.call(element).every((name) => !/^on/i.test(name) &&
      !/script:/i.test(getAttribute.call(element, name).replace(/[\0-\x20]/g, ""))) &&
    (!(element instanceof HTMLTemplateElement) || allPlain(element.content));
  const allPlain = (tree) => [...tree.querySelectorAll("*")].every(isPlain);
  let isLooking = false;

  const look = (markup) => {
    isLooking = true;
    try {
      return allPlain(new DOMParser().parseFromString(markup, "text/html"));
    } finally {
      isLooking = false;
    }
  };
  window.trustedTypes?.createPolicy("default", {
    createHTML: (markup, _type, sink) => (PARSERS.includes(sink) && (isLooking || look(markup)) ? markup : null),
  });
}
