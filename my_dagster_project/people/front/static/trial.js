// Asks for a prediction from what stands in the form, and says what came of it.
"use strict";

function percent(value, digits) {
  return `${value < 0 ? "−" : "+"}${Math.abs(100 * value).toFixed(digits)} %`;
}

function said({ predictions: [one] }) {
  const chance = one.probability_up === null ? "" : `, probability of up ${(100 * one.probability_up).toFixed(1)} %`;
  const position = one.position === null ? "" : `, position ${one.position.toFixed(2)}`;
  return `Return to the next session ${percent(one.predicted_return, 3)}${chance}${position}.`;
}

function wrong({ detail }) {
  return typeof detail === "string" ? detail : detail.map((one) => `${one.loc.at(-1)}: ${one.msg}`).join("; ");
}

function valueOf(field) {
  const text = field.value.trim();
  if (text === "") return null;
  const number = Number(text.replace(",", "."));
  // A text that is no number goes as it is: the server says which field it was.
  return field.dataset.type === "number" && !Number.isNaN(number) ? number : text;
}

document.getElementById("trial")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const answer = document.getElementById("answer");
  const fields = [...form.querySelectorAll("[data-type]")];
  const row = Object.fromEntries(fields.map((field) => [field.name, valueOf(field)]));
  answer.textContent = "…";
  try {
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ row }) };
    const got = await fetch(form.dataset.to, options);
    const body = await got.json();
    answer.textContent = got.ok ? said(body) : wrong(body);
  } catch {
    answer.textContent = "The server does not answer; try again.";
  }
});
