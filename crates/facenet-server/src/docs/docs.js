// Shows the routes of /openapi.json and tries them. All text is set as text, never as HTML.
"use strict";

const make = (name, text, ...children) => {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
};

const labelled = (text, input) => make("label", text + " ", input);

/** An example of a schema: enough to edit. */
function example(schema, all, depth = 0) {
  if (!schema || depth > 6) return null;
  if (schema.$ref) return example(all.components.schemas[schema.$ref.split("/").pop()], all, depth + 1);
  const choice = (schema.oneOf || schema.anyOf || []).find((one) => one.type !== "null");
  if (choice) return example(choice, all, depth + 1);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => example(part, all, depth + 1)));
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== "null") : schema.type;
  if (schema.enum) return schema.enum[0];
  if (type === "object" || schema.properties) {
    const entries = Object.entries(schema.properties || {});
    return Object.fromEntries(entries.map(([name, part]) => [name, example(part, all, depth + 1)]));
  }
  if (type === "array") return [example(schema.items || schema.prefixItems?.[0], all, depth + 1)];
  return { string: "", integer: 1, number: 0.5, boolean: false }[type] ?? null;
}

function route(path, method, operation, all) {
  const form = make("form");
  const inputs = (operation.parameters || []).map((parameter) => {
    const input = make("input");
    input.type = "text";
    input.placeholder = parameter.description || "";
    form.append(labelled(`${parameter.name} (${parameter.in})`, input));
    return [parameter, input];
  });
  const content = operation.requestBody?.content || {};
  const files = content["multipart/form-data"] ? example(content["multipart/form-data"].schema, all) : null;
  const pickers = Object.keys(files || {}).map((name) => {
    const input = make("input");
    input.type = "file";
    form.append(labelled(name, input));
    return [name, input];
  });
  let text = null;
  if (!files && content["application/json"]) {
    text = make("textarea", JSON.stringify(example(content["application/json"].schema, all), null, 2));
    form.append(text);
  }
  const answer = make("pre");
  answer.hidden = true;
  form.append(make("button", "Send"), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let address = path;
    const query = new URLSearchParams();
    for (const [parameter, input] of inputs) {
      if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
      else if (input.value) query.set(parameter.name, input.value);
    }
    if (query.size) address += `?${query}`;
    const options = { method: method.toUpperCase(), headers: {} };
    const key = document.getElementById("key").value;
    if (key) options.headers.Authorization = `Bearer ${key}`;
    if (files) {
      options.body = new FormData();
      for (const [name, input] of pickers) if (input.files[0]) options.body.append(name, input.files[0]);
    } else if (text) {
      options.headers["Content-Type"] = "application/json";
      options.body = text.value;
    }
    answer.hidden = false;
    answer.textContent = "…";
    try {
      const response = await fetch(address, options);
      const kind = response.headers.get("content-type") || "";
      const head = `${response.status} ${response.statusText} ${kind}\n`;
      if (kind.startsWith("image/")) {
        const picture = make("img");
        picture.src = URL.createObjectURL(await response.blob());
        answer.replaceChildren(head, picture);
      } else if (kind.includes("json")) {
        answer.textContent = head + JSON.stringify(await response.json(), null, 2);
      } else {
        answer.textContent = head + (await response.text()).slice(0, 10000);
      }
    } catch (error) {
      answer.textContent = String(error);
    }
  });
  const described = [make("p", operation.description || "")];
  const statuses = make("p", "Answers: ");
  for (const [status, response] of Object.entries(operation.responses || {})) {
    statuses.append(make("code", status), ` ${Object.keys(response.content || {}).join(", ")}; `);
  }
  const summary = make("summary", "", make("b", method.toUpperCase()), make("code", path), ` ${operation.summary || ""}`);
  return make("details", "", summary, ...described, statuses, form);
}

fetch("/openapi.json")
  .then((response) => response.json())
  .then((all) => {
    document.getElementById("about").textContent = all.info.description;
    const groups = new Map();
    for (const [path, methods] of Object.entries(all.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        const tag = operation.tags?.[0] || "";
        if (!groups.has(tag)) groups.set(tag, []);
        groups.get(tag).push(route(path, method, operation, all));
      }
    }
    const sections = [...groups].map(([tag, routes]) => make("section", "", make("h2", tag), ...routes));
    document.getElementById("routes").replaceChildren(...sections);
  });
