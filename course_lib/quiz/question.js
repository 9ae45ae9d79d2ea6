// One question: fieldset, legend, native radios. The kernel saves; this file only shows.

let groups = 0; // Radios of two views of one question must not share a name.

// `code` between backticks is the only markup: everything else is text, never HTML.
function write(element, text) {
  element.replaceChildren(
    ...text.split("`").map((part, i) => {
      if (i % 2 === 0) return document.createTextNode(part);
      const code = document.createElement("code");
      code.textContent = part;
      return code;
    }),
  );
}

function make(tag, className, parent) {
  const element = document.createElement(tag);
  element.className = className;
  parent?.append(element);
  return element;
}

function option(letter, text, name, choose) {
  const label = make("label", "quiz-option");
  const input = make("input", "", label);
  Object.assign(input, { type: "radio", name, value: letter });
  // Must stand on the input itself: JupyterLab asks the event's target, and takes the arrow keys otherwise.
  input.setAttribute("data-lm-suppress-shortcuts", "true");
  input.addEventListener("change", () => choose(letter));
  make("span", "quiz-letter", label).textContent = letter;
  write(make("span", "quiz-text", label), text);
  return label;
}

function stateOf(model) {
  const [choice, saved] = [model.get("choice"), model.get("saved")];
  if (!choice) return "not answered yet";
  if (!model.get("live")) return `you chose ${choice} (this page saves nothing)`;
  return choice === saved ? `answer ${choice} saved` : `saving ${choice}…`;
}

function render({ model, el }) {
  const card = make("div", "quiz", el);
  const state = make("p", "quiz-state", card);
  const fieldset = make("fieldset", "", card);
  write(make("legend", "", fieldset), model.get("prompt"));
  const name = `quiz-${++groups}-${Math.random().toString(36).slice(2)}`;
  const choose = (letter) => {
    model.set("choice", letter);
    model.save_changes();
    show();
  };
  const options = Object.entries(model.get("options")).map(([letter, text]) => option(letter, text, name, choose));
  fieldset.append(...options);
  const status = make("div", "quiz-says", card);
  status.setAttribute("role", "status");
  const trouble = make("p", "quiz-trouble", card);
  trouble.setAttribute("role", "alert");

  function show() {
    const choice = model.get("choice");
    for (const label of options) {
      const input = label.querySelector("input");
      input.checked = input.value === choice;
      label.classList.toggle("quiz-chosen", input.checked);
    }
    state.textContent = `Question · ${stateOf(model)}`;
    card.classList.toggle("quiz-open", !choice);
    const says = choice ? `If ${choice}: ${model.get("says")[choice]}` : "";
    // Rewritten only when it differs, or a screen reader would read it again when the answer is saved.
    if (status.dataset.says !== says) write(status, says);
    status.dataset.says = says;
    if (trouble.textContent !== model.get("trouble")) trouble.textContent = model.get("trouble");
  }

  show();
  const changes = "change:choice change:saved change:trouble";
  model.on(changes, show);
  return () => model.off(changes, show);
}

export default { render };
