// Which file of a group stays and which goes: the groups of the page, what a person changes in
// them, and the rows of the plan that comes of it. Nothing here draws.

const KINDS = ["identical", "same-picture", "edited", "similar"]; // strongest first
const BY_HAND = "by hand";
const groups = [];
const looks = {}; // item → base64 of the images inside this page

function read() {
  let about = {};
  for (const held of document.querySelectorAll('script[type="application/json"]')) {
    for (const line of held.textContent.split("\n")) {
      if (!line) continue;
      const row = JSON.parse(line);
      if (row.files) groups.push(prepared(row));
      else if (row.look) looks[row.item] = row.look;
      else about = row;
    }
    held.remove(); // what was read need not be held twice
  }
  return about;
}

function prepared(group) {
  group.index = groups.length;
  group.kind = group.files[group.first].kind;
  change.back(group);
  return group;
}

const looser = (one, other) => (KINDS.indexOf(one) > KINDS.indexOf(other) ? one : other);
const won = (group) => group.files.reduce((sum, file) => sum + (file.drop ? file.bytes : 0), 0);
const touched = (group) => group.keeper !== group.first ||
  group.files.some((file) => file.drop !== (file.action === "drop"));

// What holds between a file and the keeper of now. Only the proposed keeper was compared with
// every file; where another was chosen, what was measured says so instead of pretending.
function beside(group, file) {
  const keeper = group.files[group.keeper];
  const first = group.files[group.first];
  const { kind, evidence, words } = file;
  if (keeper === first) return { kind, evidence, words, compared: true };
  if (file === keeper) {
    return { kind: group.kind, evidence: held(file), words: "", compared: true };
  }
  if (file.item === keeper.item) {
    return { kind: "identical", evidence: {}, words: "the same bytes", compared: true };
  }
  if (file.item === first.item) {
    const words = `the keeper beside it: ${keeper.words}`; // "half the size" is of the keeper
    return { kind: keeper.kind, evidence: { ...seen(keeper), ...held(file), reversed: true },
      words, compared: true };
  }
  if (keeper.item === first.item) return { kind, evidence, words, compared: true };
  const told = { ...evidence, compared_with: first.path };
  return { kind: looser(kind, keeper.kind), evidence: told, words, compared: false };
}

// Evidence is of two files, but for what one of them holds.
function held(file) {
  const { extras, frames } = file.evidence;
  return { ...(extras && { extras }), ...(frames !== undefined && { frames }) };
}

function seen(file) {
  const { extras, frames, ...rest } = file.evidence;
  return rest;
}

function rows(group) {
  const keeper = group.files[group.keeper];
  return group.files.map((file) => {
    const { kind, evidence } = beside(group, file);
    const action = file.drop ? "drop" : "keep";
    const proposed = group.keeper === group.first && action === file.action;
    return { group: group.group, kind, path: file.path, item: file.item, keeper: keeper.path,
      action, rule: proposed ? file.rule : BY_HAND, evidence, bytes: file.bytes,
      companions: file.companions };
  });
}

// What a person is told who drops files that hold more than their keeper, as far as is known.
function warning(files) {
  const losing = files.filter((file) => file.drop && file.extras);
  return losing.length ? `What only a dropped file holds goes with it: ${losing[0].extras}.` : "";
}

// A group always has a keeper, and the keeper is always kept: nothing here can drop all.
// A deed returns what is to be said to the person, if anything is.
const change = {
  keep(group, number) { group.files[number].drop = false; },
  drop(group, number) {
    if (number === group.keeper) {
      const heir = group.files.findIndex((file, other) => other !== number && !file.drop);
      if (heir < 0) {
        return "One file of every group stays: make another one the keeper first.";
      }
      change.lead(group, heir);
      group.files[number].drop = true;
      return `The keeper is now ${group.files[heir].path}`;
    }
    group.files[number].drop = true;
    return warning([group.files[number]]);
  },
  lead(group, number) {
    const former = group.files[group.keeper];
    const chosen = group.files[number];
    if (former === chosen) return "";
    // The two change places, but what only the former one holds does not go unasked.
    const alone = chosen.drop && Boolean(former.extras);
    former.drop = chosen.drop && !alone;
    chosen.drop = false;
    group.keeper = number;
    let stay = 0;
    for (const file of group.files) {
      const { kind, compared } = beside(group, file);
      if (compared || KINDS.indexOf(kind) < 2 || !file.drop) continue;
      file.drop = false; // nobody compared it with this keeper
      stay += 1;
    }
    if (alone) return `The former keeper stays: it holds ${former.extras}.`;
    return stay ? "What was not compared with this keeper stays, unless you drop it." : "";
  },
  only(group) {
    group.files.forEach((file, number) => { file.drop = number !== group.keeper; });
    return warning(group.files);
  },
  all(group) { for (const file of group.files) file.drop = false; },
  back(group) {
    group.keeper = group.first;
    for (const file of group.files) file.drop = file.action === "drop";
    group.files[group.first].drop = false; // whatever a plan said that was edited by hand
  },
};

// Choices outlive a closed window where the browser lets a page remember.
let storing = 0;

function store(memory) {
  clearTimeout(storing);
  storing = setTimeout(() => {
    const kept = {};
    for (const group of groups.filter(touched)) {
      kept[group.index] = [group.keeper, group.files.map((f) => (f.drop ? "d" : "k")).join("")];
    }
    try { localStorage.setItem(memory, JSON.stringify(kept)); } catch { /* not let */ }
  }, 300);
}

function recall(memory) {
  let found = 0;
  try {
    const kept = JSON.parse(localStorage.getItem(memory)) || {};
    for (const [index, [keeper, drops]] of Object.entries(kept)) {
      const group = groups[index];
      if (!group || drops.length !== group.files.length || drops[keeper] !== "k") continue;
      group.keeper = keeper;
      group.files.forEach((file, number) => { file.drop = drops[number] === "d"; });
      found += 1;
    }
  } catch { /* not let, or not ours */ }
  return found;
}
