// The list of variables with their pictures.

if (byId("panels")) {
  const pictured = data.sketches.filter((sketch) => sketch).length;
  const FIRST_PANELS = 6;
  inPortions(byId("more-panels"), FIRST_PANELS, (variables) => {
    byId("panels").append(...variables.filter((v) => !byId(`v${v}`)).map(panelOf));
  })(data.worst);
  byId("about-variables").textContent =
    (data.names.length > FIRST_PANELS ? `The ${FIRST_PANELS} worst of ${data.names.length} first; choose any in the table.` : "The worst first.") +
    (pictured < data.names.length ? ` The file has pictures of the ${pictured} worst.` : "");
}

// The panel of a variable, made if it is not there, at the head of the list.
function visit(variable) {
  let panel = byId(`v${variable}`);
  if (!panel) {
    panel = panelOf(variable);
    byId("panels").prepend(panel);
  }
  panel.scrollIntoView();
  panel.focus();
}
