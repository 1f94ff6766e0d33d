// A tag that the page adds after it has settled.
document.documentElement.dataset.later = "ran";
