"use strict";
(() => {
  const story = JSON.parse(document.getElementById("story").textContent);
  const { steps, nodes } = story;
  const last = steps.length - 1;
  const pace = 2500; // milliseconds that a step is shown for while playing
  const main = document.querySelector("main");
  const picture = document.getElementById("picture");
  const slider = document.getElementById("slider");
  const all = (selector) => [...picture.querySelectorAll(selector)];
  const shapes = all("g.node");
  const flows = all(".flow");
  const hits = all(".hit");
  let at = 0;
  let timer = null;

  // An output's name stands in a shape of its own, whose key ends in _end.
  const nodeOf = (element) => parseInt(element.dataset.node, 10);

  const firstStep = (kind) => {
    const found = new Map();
    steps.forEach((step, i) => step[kind].forEach((node) => found.has(node) || found.set(node, i)));
    return (node) => found.get(node) ?? Infinity;
  };
  const valueAt = firstStep("values");
  const gradientAt = firstStep("gradients");

  function write(section, title, lines) {
    section.querySelector("h2").textContent = title;
    section.querySelector("ul").replaceChildren(
      ...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
    );
  }

  function show(index) {
    at = Math.max(0, Math.min(last, index));
    const step = steps[at];
    const active = new Set(step.edges.map(([tail, head]) => `${tail} ${head}`));
    main.classList.toggle("backward", step.phase === "backward");
    for (const shape of shapes) {
      const node = nodeOf(shape);
      shape.classList.toggle("ahead", valueAt(node) > at);
      shape.classList.toggle("before-gradient", gradientAt(node) > at);
      shape.classList.toggle("new-value", valueAt(node) === at);
      shape.classList.toggle("new-gradient", gradientAt(node) === at);
      shape.classList.toggle("active", step.nodes.includes(node));
    }
    for (const edge of all("g.edge")) {
      edge.classList.toggle("ahead", valueAt(parseInt(edge.dataset.head, 10)) > at);
    }
    for (const note of all("g.note")) {
      note.classList.toggle("before-gradient", gradientAt(parseInt(note.dataset.tail, 10)) > at);
    }
    for (const flow of flows) {
      flow.classList.toggle("active", active.has(`${flow.dataset.tail} ${flow.dataset.head}`));
    }
    write(document.getElementById("step"), step.title, step.lines);
    slider.value = at;
    slider.setAttribute("aria-valuetext", `Step ${at + 1} of ${last + 1}: ${step.title}`);
    document.getElementById("count").textContent = `${at + 1} / ${last + 1}`;
    for (const [id, ends] of [["first", at === 0], ["previous", at === 0], ["next", at === last], ["last", at === last]]) {
      document.getElementById(id).setAttribute("aria-disabled", ends);
    }
    reveal(step.nodes);
    describe();
  }

  // Scroll the picture, and only it, to where something happens.
  function reveal(active) {
    const shape = shapes.find((candidate) => active.includes(nodeOf(candidate)));
    if (!shape) return;
    const box = shape.getBoundingClientRect();
    const frame = picture.getBoundingClientRect();
    const off = (start, end, low, high) =>
      start < low || end > high ? (start + end) / 2 - (low + high) / 2 : 0;
    picture.scrollBy(
      off(box.left, box.right, frame.left, frame.right),
      off(box.top, box.bottom, frame.top, frame.bottom),
    );
  }

  function detailOf(index) {
    const node = nodes[index];
    const gradient = gradientAt(index) <= at ? node.gradient : node.unknown;
    return valueAt(index) <= at ? [node.known, gradient, ...node.slopes] : [node.formula, gradient];
  }

  let pointed = null;
  function describe() {
    const hit = pointed ?? (document.activeElement?.matches?.(".hit") ? document.activeElement : null);
    const section = document.getElementById("detail");
    section.classList.toggle("shown", hit !== null);
    if (hit === null) {
      write(section, "", ["Point at a node, or move to it with Tab, for its formula."]);
    } else {
      write(section, nodes[nodeOf(hit)].name, detailOf(nodeOf(hit)));
    }
    for (const one of hits) {
      one.setAttribute("aria-label", [nodes[nodeOf(one)].name, ...detailOf(nodeOf(one))].join(". "));
    }
  }

  function pause() {
    clearInterval(timer);
    timer = null;
    main.classList.remove("playing");
    document.getElementById("play").setAttribute("aria-label", "Play");
    document.getElementById("play").title = "Play (Space)";
  }

  function play() {
    if (timer !== null) return pause();
    show(at === last ? 0 : at);
    timer = setInterval(() => {
      show(at + 1);
      if (at === last) pause();
    }, pace);
    main.classList.add("playing");
    document.getElementById("play").setAttribute("aria-label", "Pause");
    document.getElementById("play").title = "Pause (Space)";
  }

  function go(index) {
    pause();
    show(index);
  }

  const moves = {
    first: () => go(0),
    previous: () => go(at - 1),
    play,
    next: () => go(at + 1),
    last: () => go(last),
  };
  const keys = { Home: "first", ArrowLeft: "previous", " ": "play", ArrowRight: "next", End: "last" };
  for (const [id, move] of Object.entries(moves)) {
    document.getElementById(id).addEventListener("click", move);
  }
  slider.addEventListener("input", () => go(Number(slider.value)));
  document.addEventListener("keydown", (event) => {
    const move = keys[event.key];
    const isSpace = event.key === " ";
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === slider ? !isSpace : isSpace && event.target.closest?.("button")) return;
    event.preventDefault();
    moves[move]();
  });
  for (const hit of hits) {
    if (hit.dataset.node.endsWith("_end")) {
      hit.setAttribute("aria-hidden", "true");
    } else {
      hit.setAttribute("tabindex", "0");
      hit.setAttribute("role", "img");
    }
    hit.addEventListener("pointerenter", () => { pointed = hit; describe(); });
    hit.addEventListener("pointerleave", () => { pointed = null; describe(); });
    hit.addEventListener("focus", describe);
    hit.addEventListener("blur", () => setTimeout(describe));
  }
  show(0);
})();
