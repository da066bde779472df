// The theme lets wide tables scroll; people without a mouse need the focus on them to do that.
window.addEventListener("load", () => {
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap")) wide.tabIndex = 0;
});
