// The look of the report: it draws the groups in sight, and hears keys and clicks. Names come
// from strangers' disks: they become text, never markup.

const BLOCK = 10; // groups drawn together
const AT_ONCE = 48; // files of a group drawn before a person asks for the rest
// Controls, line ends, marks that turn the reading direction round, halves of a character.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\p{Cs}]/gu;

const at = (id) => document.getElementById(id);
const observer = new IntersectionObserver(scrolled, { rootMargin: "1600px 0px" });
let shown = []; // groups that pass the filters, in the chosen order
let blocks = [];
let here = { group: null, file: 0 };
let quiet = 0;

// -------------------- words

const clean = (text) => String(text).replace(UNSAFE, "\ufffd");
const cut = (path) => Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1;
const name = (path) => path.slice(cut(path)) || path;
const number = (value) => value.toLocaleString("en");
const count = (many, noun) => `${number(many)} ${noun}${many === 1 ? "" : "s"}`;

function size(bytes) {
  let amount = bytes;
  for (const unit of ["bytes", "KB", "MB", "GB"]) {
    if (amount < 1000) return `${unit === "bytes" ? amount : amount.toFixed(1)} ${unit}`;
    amount /= 1000;
  }
  return `${amount.toFixed(1)} TB`;
}

function say(words) {
  at("said").textContent = words;
  at("said").hidden = false;
  clearTimeout(quiet);
  quiet = setTimeout(() => { at("said").hidden = true; }, 7000);
}

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = clean(text);
  return made;
}

function button(deed, text, pressed) {
  const made = make("button", "", text);
  made.type = "button";
  made.dataset.act = deed;
  if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
  return made;
}

function total() {
  const parts = at("totals");
  let files = 0, bytes = 0, hands = 0;
  for (const group of groups) {
    for (const file of group.files) if (file.drop) { files += 1; bytes += file.bytes; }
    if (touched(group)) hands += 1;
  }
  const some = shown.length < groups.length ? `${number(shown.length)} of ` : "";
  parts.replaceChildren(`${some}${count(groups.length, "group")} · drops `,
    make("b", "", count(files, "file")), " · frees ", make("b", "", size(bytes)),
    hands ? ` · ${number(hands)} changed by you` : "");
}

// The rules by which a keeper is chosen, as a reason.
const REASONS = {
  prefer: "you prefer its folder", resolution: "it has more pixels", exif: "it has its camera's data",
  extras: "it holds more than an image", companions: "other files belong to it",
  format: "its format loses less", name: "its name is no copy's", bytes: "it is larger",
  date: "it is older", rating: "it is rated higher", path: "its path comes first",
};

// -------------------- drawing

function thumbnail(file) {
  if (!file.look) return make("span", "", "no image");
  const image = make("img");
  image.loading = "lazy";
  image.decoding = "async";
  image.alt = "";
  image.src = file.look === "inside" ? `data:image/webp;base64,${looks[file.item]}` : file.look;
  image.onerror = () => image.replaceWith(make("span", "", "no image"));
  return image;
}

function title(file) {
  const made = make(file.uri ? "a" : "p", "name", name(file.path));
  if (file.uri) { made.href = file.uri; made.target = "_blank"; made.rel = "noopener"; }
  made.title = clean(file.path);
  return made;
}

function line(parent, className, text) {
  if (text) parent.append(make("p", className, text));
}

function card(group, file, index) {
  const keeper = index === group.keeper;
  const made = make("li", `file ${file.drop ? "drop" : "keep"}`);
  made.dataset.file = index;
  const look = button("closer", "");
  look.className = "look";
  look.setAttribute("aria-label", clean(`Look closer at ${name(file.path)}`));
  look.append(thumbnail(file), make("span", "tag", keeper ? "keeper" : file.drop ? "drop" : "keep"));
  const words = make("div", "words");
  words.append(title(file));
  line(words, "folder", file.path.slice(0, cut(file.path)));
  const facts = make("p");
  facts.append(make("span", file.bytes === group.most ? "best" : "", size(file.bytes)));
  if (file.width && file.height) {
    const best = file.width * file.height === group.widest;
    facts.append(" · ", make("span", best ? "best" : "", `${file.width} × ${file.height}`));
  }
  if (file.format) facts.append(clean(` · ${file.format}`));
  words.append(facts);
  line(words, "", file.taken && `taken ${file.taken}`);
  line(words, "soft", [file.changed && `written ${file.changed}`, file.camera]
    .filter(Boolean).join(" · "));
  if (!keeper) told(words, group, file);
  holds(words, group, file, keeper);
  lost(words, group, file);
  const choice = make("div", "choice");
  choice.append(button("keep", "Keep", !file.drop), button("drop", "Drop", file.drop),
    button("lead", "Best copy", keeper));
  made.append(look, words, choice);
  return made;
}

function told(words, group, file) {
  const found = beside(group, file);
  line(words, "", `${found.kind}: ${found.words}`);
  if (!found.compared) {
    const with_ = name(group.files[group.first].path);
    line(words, "warn", `measured beside ${with_}, not beside the keeper you chose`);
  }
}

// What a file holds beyond the image that is seen, and what lies beside it under its name.
function holds(words, group, file, keeper) {
  const whose = file === group.files[group.first] ? "" :
    group.keeper === group.first ? " that its keeper lacks" : " that the proposed keeper lacks";
  line(words, file.drop ? "warn" : "soft", file.extras && `holds ${file.extras}${whose}`);
  const beside = (file.companions || []).map(name).join(", ");
  line(words, file.drop ? "only" : "soft", beside && `beside it: ${beside}`);
}

// What only a file that goes away would have known; of keywords those that the keeper lacks.
function lost(words, group, file) {
  const keeper = group.files[group.keeper];
  if (file === keeper) return;
  const only = [];
  for (const [key, value] of Object.entries(file.metadata || {})) {
    const kept = (keeper.metadata || {})[key];
    if (kept && (key === "taken" || key === "camera")) continue; // it has its own
    const told = Array.isArray(value)
      ? value.filter((one) => !(kept || []).includes(one)).join(", ")
      : kept === value ? "" : value;
    if (told) only.push(`${key} ${told}`);
  }
  line(words, file.drop ? "only" : "soft", only.length && `only here: ${only.join("; ")}`);
}

// The greatest value, or nothing where all are equal and none is worth a bold word.
function standout(group, measure) {
  const values = group.files.map(measure);
  const most = values.reduce((one, other) => Math.max(one, other));
  return values.every((value) => value === most) ? null : most;
}

function section(group) {
  group.most = standout(group, (file) => file.bytes);
  group.widest = standout(group, (file) => (file.width || 0) * (file.height || 0));
  const made = make("section", "group");
  made.dataset.group = group.index;
  const top = make("div", "top");
  const rule = group.keeper === group.first ? group.files[group.first].rule : BY_HAND;
  top.append(make("h2", "", `Group ${group.group}`), make("span", "kind", group.kind),
    make("span", "", count(group.files.length, "file")),
    make("span", "", `keeper chosen ${rule === BY_HAND ? rule : `because ${REASONS[rule] || rule}`}`),
    make("span", "won", won(group) ? `frees ${size(won(group))}` : ""), make("span", "gap"),
    button("only", "Drop all but the keeper"), button("all", "Keep all"));
  if (touched(group)) top.append(button("back", "As proposed"));
  const list = make("ol", "files");
  const order = [group.keeper, ...group.files.keys()].filter(
    (index, place, all) => all.indexOf(index) === place);
  const drawn = group.whole ? order : order.slice(0, AT_ONCE);
  for (const index of drawn) list.append(card(group, group.files[index], index));
  made.append(top, list);
  if (drawn.length < order.length) {
    const more = button("more", `Show ${count(order.length - drawn.length, "more file")}`);
    more.className = "more";
    made.append(more);
  }
  return made;
}

function redraw(group, deed) {
  const old = document.querySelector(`section[data-group="${group.index}"]`);
  if (!old) return;
  const held = old.contains(document.activeElement);
  const made = section(group);
  old.replaceWith(made);
  if (held) focus(made, deed);
}

function focus(made, deed) {
  const file = made.querySelector(`[data-file="${here.file}"]`) || made.querySelector(".file");
  const wanted = deed && (file.querySelector(`[data-act="${deed}"]`) ||
    made.querySelector(`.top [data-act="${deed}"]`));
  (wanted || file.querySelector(".look")).focus({ preventScroll: true });
}

// -------------------- what is in sight

function show() {
  const kinds = new Set([...at("kinds").querySelectorAll(":checked")].map((box) => box.value));
  const wanted = at("find").value.toLocaleLowerCase();
  shown = groups.filter((group) => kinds.has(group.kind) &&
    (!at("touched").checked || touched(group)) &&
    (!wanted || group.files.some((file) => file.path.toLocaleLowerCase().includes(wanted))));
  const weight = { won, count: (group) => group.files.length }[at("order").value];
  if (weight) shown.sort((one, other) => weight(other) - weight(one) || one.index - other.index);
  observer.disconnect();
  const columns = Math.max(1, Math.floor((Math.min(innerWidth, 1640) - 48) / 246));
  blocks = [];
  for (let start = 0; start < shown.length; start += BLOCK) {
    const block = make("div");
    const held = shown.slice(start, start + BLOCK);
    const lines = held.map((group) => Math.ceil(Math.min(group.files.length, AT_ONCE) / columns));
    block.held = held;
    block.style.height = `${lines.reduce((sum, each) => sum + 75 + each * 400, 0)}px`;
    blocks.push(block);
  }
  const empty = groups.length ? "No group passes these filters." : "No duplicates were found.";
  at("groups").replaceChildren(...(blocks.length ? blocks : [make("p", "empty", empty)]));
  for (const block of blocks) observer.observe(block);
  total();
}

function fill(block) {
  if (block.childElementCount) return;
  block.replaceChildren(...block.held.map(section));
  block.style.height = "";
}

function scrolled(entries) {
  for (const { target, isIntersecting, boundingClientRect } of entries) {
    if (isIntersecting) fill(target);
    else if (target.childElementCount && !target.contains(document.activeElement)) {
      target.style.height = `${boundingClientRect.height}px`;
      target.replaceChildren();
    }
  }
}

function go(step) {
  const now = shown.indexOf(here.group);
  const next = Math.min(shown.length - 1, Math.max(0, now + step));
  if (!shown.length || (next === now && now >= 0)) return;
  here = { group: shown[next], file: shown[next].keeper };
  fill(blocks[Math.floor(next / BLOCK)]);
  const made = document.querySelector(`section[data-group="${here.group.index}"]`);
  focus(made);
  made.scrollIntoView({ block: "start" });
}

function turn(step) {
  const made = document.querySelector(`section[data-group="${here.group?.index}"]`);
  if (!made) return go(1);
  const files = [...made.querySelectorAll(".file")];
  const now = files.findIndex((file) => Number(file.dataset.file) === here.file);
  const next = files[Math.min(files.length - 1, Math.max(0, now + step))];
  next.querySelector(".look").focus();
}

// -------------------- closer

function closer(group, index) {
  const pair = make("div", "pair");
  const other = index === group.keeper ? group.files.findIndex((_, each) => each !== index) : index;
  for (const each of [group.keeper, other].filter((each) => each >= 0)) {
    const file = group.files[each];
    const figure = make("figure");
    const frame = make("div", "frame");
    const image = make("img");
    // The file itself, and the small image where a browser cannot read its format.
    image.onerror = () => frame.replaceChildren(thumbnail(file));
    image.src = file.uri || "data:,";
    frame.append(image);
    const side = file.width ? ` · ${file.width} × ${file.height}` : "";
    const word = each === group.keeper ? "keeper" : file.drop ? "drop" : "keep";
    figure.append(frame, make("figcaption", "",
      `${word} · ${size(file.bytes)}${side} · ${file.path}`));
    pair.append(figure);
  }
  at("closer").replaceChildren(pair);
  at("closer").showModal();
}

// -------------------- hands

function save() {
  const parts = groups.map((group) => rows(group).map((row) => JSON.stringify(row) + "\n").join(""));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "application/jsonl" }));
  link.download = "plan.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  say("Saved as plan.jsonl where your browser puts downloads. " +
    "Next: sightline dedup apply plan.jsonl --dry-run");
}

function act(deed, group, number) {
  const word = change[deed](group, number);
  if (word) say(clean(word));
  redraw(group, deed);
  total();
  store(memory);
}

function actOnAll(deed) {
  const told = shown.map((group) => change[deed === "keep" ? "all" : deed](group));
  show();
  store(memory);
  const losing = told.filter(Boolean).length;
  say(`Done for ${count(shown.length, "group")}.` +
    (losing ? ` In ${number(losing)} a dropped file holds more than its keeper.` : ""));
}

function place(target) {
  const made = target.closest?.("section[data-group]");
  if (!made) return false;
  const file = target.closest(".file");
  const group = groups[made.dataset.group];
  const first = here.group === group ? here.file : group.keeper;
  here = { group, file: file ? Number(file.dataset.file) : first };
  return true;
}

at("groups").addEventListener("focusin", (event) => place(event.target));
at("groups").addEventListener("click", (event) => {
  const deed = event.target.closest("button")?.dataset.act;
  if (!deed || !place(event.target)) return;
  if (deed === "closer") closer(here.group, here.file);
  else if (deed === "more") { here.group.whole = true; redraw(here.group); }
  else act(deed, here.group, here.file);
});

const keys = { j: () => go(1), k: () => go(-1), ArrowDown: () => go(1), ArrowUp: () => go(-1),
  ArrowRight: () => turn(1), ArrowLeft: () => turn(-1),
  "/": () => at("find").focus(), "?": () => at("keys").showModal() };
const deeds = { s: () => "lead", d: () => "only", a: () => "all", r: () => "back",
  x: () => (here.group.files[here.file].drop ? "keep" : "drop") };

document.addEventListener("keydown", (event) => {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if ((event.ctrlKey || event.metaKey) && key === "s") { event.preventDefault(); return save(); }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.target.matches?.("input[type=search], select")) {
    if (key === "Escape") event.target.blur();
    return;
  }
  const known = here.group && shown.includes(here.group);
  if (keys[key]) keys[key]();
  else if (deeds[key] && known) act(deeds[key](), here.group, here.file);
  else if (key === "c" && known) closer(here.group, here.file);
  else return;
  event.preventDefault();
});

at("save").onclick = save;
at("help").onclick = () => at("keys").showModal();
at("all").onchange = () => { if (at("all").value) actOnAll(at("all").value); at("all").value = ""; };
at("order").onchange = at("touched").onchange = at("kinds").onchange = show;
let typing = 0;
at("find").oninput = () => { clearTimeout(typing); typing = setTimeout(show, 150); };
for (const dialog of document.querySelectorAll("dialog")) {
  dialog.onclick = () => dialog.close();
}
at("theme").onclick = () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const order = dark ? ["", "light", "dark"] : ["", "dark", "light"];
  const next = order[(order.indexOf(document.documentElement.dataset.theme || "") + 1) % 3];
  document.documentElement.dataset.theme = next;
  at("theme").textContent = next ? `Theme: ${next}` : "Theme";
};

const memory = `sightline duplicates ${read().id}`;
for (const kind of KINDS) {
  const many = groups.filter((group) => group.kind === kind).length;
  if (!many) continue;
  const label = make("label");
  const box = make("input");
  Object.assign(box, { type: "checkbox", value: kind, checked: true });
  label.append(box, kind, make("i", "", number(many)));
  at("kinds").append(label);
}
const recalled = recall(memory);
if (recalled) say(`Your choices in ${count(recalled, "group")} are as you left them.`);
show();
document.documentElement.dataset.ready = "yes"; // for whoever waits for the page
