"use strict";
// The pages work without this script; it adds filters, copying, comparing, turning solids, and generators.
const byId = (id) => document.getElementById(id);
const given = (id) => JSON.parse(byId(id).textContent);
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// Filters of the list of models.
function filters() {
  const form = byId("filters"), cards = [...byId("cards").children];
  form.hidden = false;
  function narrow() {
    const wanted = new FormData(form), words = wanted.get("text").toLowerCase().split(/\s+/);
    wanted.delete("text");
    let shown = 0;
    for (const card of cards) {
      const fits = [...wanted].every(([name, value]) => !value || card.dataset[name] === value);
      card.hidden = !(fits && words.every((word) => card.dataset.text.includes(word)));
      shown += !card.hidden;
    }
    byId("count").textContent = shown === cards.length ? `${shown} models` : `${shown} of ${cards.length} models`;
  }
  form.addEventListener("input", narrow);
  form.addEventListener("reset", () => setTimeout(narrow));
  form.addEventListener("submit", (event) => event.preventDefault());
  narrow();
}

// Buttons that copy code. Browsers give the clipboard to secure pages only; elsewhere the code is selected.
function copying(button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const code = byId(button.dataset.copies);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected: press Ctrl-C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2500);
  });
}

// A picture before and after, with a line between them that the slider moves.
function comparing(picture) {
  const slider = picture.nextElementSibling;
  slider.addEventListener("input", () => picture.style.setProperty("--shown", `${slider.value}%`));
}

// Solids of voxels, drawn from the back to the front: visible faces only, turned around the vertical axis.
const FACES = [
  [[1, 0, 0], [[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 1]]], [[-1, 0, 0], [[0, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]]],
  [[0, 1, 0], [[0, 1, 0], [1, 1, 0], [1, 1, 1], [0, 1, 1]]], [[0, -1, 0], [[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1]]],
  [[0, 0, 1], [[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]]], [[0, 0, -1], [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]],
];
const TILT = 0.5, LIGHT = [0.35, 0.85, -0.4];
function facesOf(text, [width, height, depth]) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const full = (x, y, z) => {
    if (x < 0 || y < 0 || z < 0 || x >= width || y >= height || z >= depth) return false;
    const place = (x * height + y) * depth + z;
    return Boolean(bytes[place >> 3] & (128 >> (place & 7)));
  };
  const found = [];
  for (let x = 0; x < width; x++) for (let y = 0; y < height; y++) for (let z = 0; z < depth; z++) {
    if (!full(x, y, z)) continue;
    for (const [normal, corners] of FACES)
      if (!full(x + normal[0], y + normal[1], z + normal[2]))
        found.push({ normal, corners: corners.map(([a, b, c]) => [x + a - width / 2, y + b - height / 2, z + c - depth / 2]) });
  }
  return found;
}
function paintSolid(canvas, faces, size, degrees) {
  const context = canvas.getContext("2d"), angle = degrees * Math.PI / 180;
  const [sin, cos, up, level] = [Math.sin(angle), Math.cos(angle), Math.sin(TILT), Math.cos(TILT)];
  const scale = canvas.width / (1.75 * Math.max(...size)), middle = canvas.width / 2;
  const turned = ([x, y, z]) => {  // right, up, away from the viewer
    const [right, back] = [x * cos - z * sin, x * sin + z * cos];
    return [right, y * level + back * up, back * level - y * up];
  };
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  const seen = [];
  for (const face of faces) {
    const normal = turned(face.normal);
    if (normal[2] >= 0) continue;
    const corners = face.corners.map(turned);
    const light = Math.max(0, LIGHT[0] * normal[0] + LIGHT[1] * normal[1] + LIGHT[2] * normal[2]);
    seen.push({ corners, away: corners.reduce((sum, corner) => sum + corner[2], 0), level: Math.round(75 + 180 * light) });
  }
  for (const { corners, level: grey } of seen.sort((a, b) => b.away - a.away)) {
    context.fillStyle = context.strokeStyle = `rgb(${grey} ${grey} ${grey})`;
    context.beginPath();
    for (const [x, y] of corners) context.lineTo(middle + scale * x, middle - scale * y);
    context.closePath();
    context.fill();
    context.stroke();
  }
}
function solids() {
  const { size, bits } = given("solids"), button = byId("turn");
  const shown = [...document.querySelectorAll(".solids figure")].map((figure, place) => {
    const [picture, canvas, slider] = ["img", "canvas", "input"].map((name) => figure.querySelector(name));
    picture.hidden = true;
    canvas.hidden = slider.hidden = false;
    const one = { slider, draw: () => paintSolid(canvas, faces, size, Number(slider.value)) };
    const faces = facesOf(bits[place], size);
    slider.addEventListener("input", () => { turning = false; update(); one.draw(); });
    canvas.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      slider.value = (Number(slider.value) + event.movementX + 360) % 360;
      slider.dispatchEvent(new Event("input"));
    });
    return one;
  });
  let turning = !calm.matches, last = 0;
  const update = () => { button.textContent = turning ? "Pause" : "Turn"; };
  function frame(now) {
    if (turning && now - last > 50) {
      for (const one of shown) { one.slider.value = (Number(one.slider.value) + 2) % 360; one.draw(); }
      last = now;
    }
    if (turning) requestAnimationFrame(frame);
  }
  button.hidden = false;
  button.addEventListener("click", () => { turning = !turning; update(); requestAnimationFrame(frame); });
  for (const one of shown) one.draw();
  update();
  requestAnimationFrame(frame);
  document.body.dataset.solids = shown.length;
}

// Numbers from a seed: mulberry32, and Box and Muller's method for normal ones.
function uniform(seed) {
  let a = Math.imul(seed + 1, 0x9E3779B1) >>> 0;
  return () => {
    a = (a + 0x6D2B79F5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
// A latent vector, part by part; on the way to another one, normal parts keep their length, and classes stay.
function latent(parts, next, other, share) {
  const both = (draw, mix) => { const [one, end] = [draw(next), draw(other)]; return share ? mix(one, end) : one; };
  const angle = share * Math.PI / 2, vector = [];
  const normal = (from) => Math.sqrt(-2 * Math.log(1 - from())) * Math.cos(2 * Math.PI * from());
  for (const [kind, size, low, high] of parts) {
    const chosen = kind === "class" ? both((from) => Math.floor(size * from()), (one) => one) : 0;
    for (let i = 0; i < size; i++) {
      if (kind === "class") vector.push(Number(i === chosen));
      else if (kind === "normal") vector.push(both(normal, (one, end) => Math.cos(angle) * one + Math.sin(angle) * end));
      else vector.push(both((from) => low + (high - low) * from(), (one, end) => (1 - share) * one + share * end));
    }
  }
  return vector;
}

function generators() {
  const { runtime, generators: known } = given("generators"), sessions = {};
  const section = byId("live"), canvas = byId("canvas"), MOST = 49152;  // pixels of all samples, about
  let running = false, again = false;
  const says = (text) => { byId("state").textContent = text; };

  async function load() {
    if (typeof ort === "undefined") {
      await new Promise((done, failed) => {
        const script = Object.assign(document.createElement("script"), { src: `${runtime}ort.wasm.min.js`, onload: done });
        script.onerror = () => failed(new Error("onnxruntime-web is missing beside this page"));
        document.head.append(script);
      });
      ort.env.wasm.wasmPaths = new URL(runtime, location.href).href;
      ort.env.wasm.numThreads = 1;  // more need headers that a plain host does not send
    }
  }
  async function session(name) {
    await load();
    sessions[name] ??= ort.InferenceSession.create(`${known[name].folder}model.onnx`, { executionProviders: ["wasm"] });
    return sessions[name];
  }
  function sheet({ classes, size: [height, width] }) {
    const columns = classes.length && classes.length <= 10 ? classes.length : 8;
    return [columns, Math.max(2, Math.min(6, Math.round(MOST / (columns * height * width))))];
  }
  async function draw() {
    if (running) { again = true; return; }
    running = true;
    const name = byId("generator").value, { latents, classes, size } = known[name];
    const [columns, rows] = sheet(known[name]), count = columns * rows;
    try {
      const net = await session(name), seed = Number(byId("seed").value) || 0, share = Number(byId("walk").value);
      const next = uniform(seed), other = uniform(seed + 1);
      const vectors = Array.from({ length: count }, () => latent(latents, next, other, share));
      const feeds = { latents: new ort.Tensor("float32", Float32Array.from(vectors.flat()), [count, vectors[0].length]) };
      const chosen = byId("class").value;
      if (classes.length) {
        const label = (i) => chosen === "all" ? i % classes.length : Number(chosen);
        feeds.labels = new ort.Tensor("int32", Int32Array.from(vectors, (_, i) => label(i)), [count]);
      }
      const began = performance.now(), { images } = await net.run(feeds);
      paint(images.data, size, columns, rows);
      const of = !classes.length ? "" : chosen === "all" ? " of all classes" : ` of the class ${classes[chosen]}`;
      canvas.setAttribute("aria-label", `${count} samples${of} by ${name}, seed ${seed}`);
      says(`${count} samples in ${(performance.now() - began).toFixed(0)} ms`);
      byId("columns").textContent = classes.length && chosen === "all" && classes.length === columns ? `Columns: ${classes.join(", ")}` : "";
      document.body.dataset.drawn = `${name}:${seed}`;
    } catch (error) {
      const file = location.protocol === "file:" ? " Serve the folder, for example with python -m http.server." : "";
      says(`This generator could not be run: ${error.message ?? error}.${file}`);
    }
    running = false;
    if (again) { again = false; draw(); }
  }
  function paint(values, [height, width, channels], columns, rows) {
    const context = canvas.getContext("2d"), colours = channels >= 3 ? [0, 1, 2] : [0, 0, 0];
    const alpha = channels % 2 === 0 ? channels - 1 : null;
    canvas.width = columns * (width + 1) - 1;
    canvas.height = rows * (height + 1) - 1;
    for (let n = 0; n < rows * columns; n++) {
      const image = context.createImageData(width, height);
      for (let p = 0; p < height * width; p++) {
        const at = (n * height * width + p) * channels;
        colours.forEach((c, i) => { image.data[4 * p + i] = Math.round((values[at + c] + 1) * 127.5); });
        image.data[4 * p + 3] = alpha === null ? 255 : Math.round((values[at + alpha] + 1) * 127.5);
      }
      context.putImageData(image, (n % columns) * (width + 1), Math.floor(n / columns) * (height + 1));
    }
  }
  function choose() {
    const { classes } = known[byId("generator").value];
    byId("classes").hidden = !classes.length;
    byId("class").replaceChildren(new Option("All", "all"), ...classes.map((name, label) => new Option(name, String(label))));
    draw();
  }
  byId("generator").addEventListener("change", choose);
  for (const id of ["class", "seed", "walk"]) byId(id).addEventListener("input", draw);
  byId("next").addEventListener("click", () => { byId("seed").value = Number(byId("seed").value) + 1; byId("walk").value = 0; draw(); });
  // The model is loaded when the section comes into view, unless the visitor saves data: then when anything is asked of it.
  if (navigator.connection?.saveData) return says("Press “Next seed” to load the model and draw.");
  new IntersectionObserver((seen, observer) => {
    if (seen.some((one) => one.isIntersecting)) { observer.disconnect(); choose(); }
  }).observe(section);
}

if (byId("filters")) filters();
if (byId("solids")) solids();
if (byId("generators")) generators();
document.querySelectorAll(".copy").forEach(copying);
document.querySelectorAll(".compare").forEach(comparing);
