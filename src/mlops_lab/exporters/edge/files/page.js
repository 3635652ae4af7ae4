// The form of index.html: an input for each input of the model, and the answer below.
import { load } from "./edge.js";

const form = document.querySelector("form");
const output = document.querySelector("output");

function element(kind, properties = {}, ...children) {
  const node = Object.assign(document.createElement(kind), properties);
  node.append(...children);
  return node;
}

function control({ name, type, categories }) {
  if (type === "boolean") {
    const choices = [["", "not known"], ["true", "yes"], ["false", "no"]];
    return element("select", { name }, ...choices.map(([value, text]) => element("option", { value }, text)));
  }
  if (type === "string") {
    const input = element("input", { name, type: "text", placeholder: "not known" });
    if (!categories) return input;
    const list = element("datalist", { id: `choices of ${name}`.replaceAll(/\s/g, "-") });
    list.append(...categories.map((value) => element("option", { value })));
    input.setAttribute("list", list.id);
    form.append(list);
    return input;
  }
  return element("input", { name, type: "number", step: "any", placeholder: "not known" });
}

function valueOf({ name, type }) {
  const text = form.elements[name].value;
  if (text === "") return null;
  return type === "string" ? text : type === "boolean" ? text === "true" : Number(text);
}

function show(answer, { task, output: meaning }) {
  const percent = (share) => `${(100 * share).toFixed(2)} %`;
  if (task === "multiclass") {
    const lines = meaning.classes.map((name, index) => element("li", {}, `${name}: ${percent(answer[index])}`));
    output.replaceChildren(`${meaning.text}:`, element("ul", {}, ...lines));
  } else {
    output.replaceChildren(`${meaning.text}: ${task === "binary" ? percent(answer) : answer}`);
  }
  output.dataset.answer = JSON.stringify(answer);
}

try {
  const { signature, predict } = await load();
  document.title = `${signature.project}, version ${signature.version}`;
  document.querySelector("h1").textContent = document.title;
  for (const input of signature.inputs) {
    form.append(element("label", { title: input.from }, element("span", {}, input.name), control(input)));
  }
  form.append(element("button", {}, "Predict"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const row = Object.fromEntries(signature.inputs.map((input) => [input.name, valueOf(input)]));
      show((await predict([row]))[0], signature);
    } catch (error) {
      output.textContent = error.message;
    }
  });
  output.textContent = "An empty field means: not known.";
  document.body.dataset.ready = "true";
} catch (error) {
  output.textContent = error.message;
}
