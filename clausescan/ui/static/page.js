// What the page does in the browser, for one component: sends acts to the server, and keeps what the server need not know
// (the chosen clause, the zoom, drafts of corrections) over the renderings of its content. Runs once a component, with
// `element`, `trigger` and `watch` given.
// Drafts are kept by document, then by clause; forms that were sent, by the number that the server says when it has saved one.
const kept = { document: null, clause: null, zoom: 1, drafts: new Map(), sent: new Map(), forms: 0, focus: null };

const view = () => element.querySelector('.cs-view');
const card = (clause) => element.querySelector(`.cs-card[data-clause="${clause}"]`);
const form = (clause) => element.querySelector(`.cs-form[data-clause="${clause}"]`);
const mark = (clause) => element.querySelector(`.cs-mark[data-clause="${clause}"]`);
const documentNumber = () => (view() ? Number(view().dataset.document) : null);
const calm = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;

function drafts(number = documentNumber()) {
  if (!kept.drafts.has(number)) kept.drafts.set(number, new Map());
  return kept.drafts.get(number);
}

function press(node, pressed) {
  if (node) node.setAttribute('aria-pressed', String(pressed));
}

// Scroll a box, and nothing around it, so that a thing in it can be seen.
function bring(box, thing) {
  if (!box || !thing) return;
  const inner = thing.getBoundingClientRect(), outer = box.getBoundingClientRect();
  if (box.scrollHeight <= box.clientHeight + 1 && box.scrollWidth <= box.clientWidth + 1) return;
  const down = inner.top - outer.top - Math.max(24, (outer.height - inner.height) / 3);
  const right = inner.left >= outer.left && inner.right <= outer.right ? 0 : inner.left - outer.left - 24;
  box.scrollBy({ top: down, left: right, behavior: calm() ? 'auto' : 'smooth' });
}

function choose(clause) {
  kept.clause = clause;
  for (const node of element.querySelectorAll('.cs-card, .cs-mark')) {
    const own = Number(node.dataset.clause) === clause;
    node.classList.toggle('chosen', own);
    press(node.classList.contains('cs-mark') ? node : node.querySelector('.cs-choose'), own);
  }
  showWords(null);
}

function showWords(evidence) {
  for (const node of element.querySelectorAll('[data-evidence]')) {
    const own = node.dataset.evidence === evidence;
    node.classList.toggle('shown', own);
    if (node.tagName === 'BUTTON') press(node, own);
  }
}

function zoomTo(zoom) {
  kept.zoom = Math.min(6, Math.max(0.5, zoom));
  if (!element.querySelector('.cs-pages')) return;
  const box = element.querySelector('.cs-scroll'), before = box.scrollHeight;
  const middle = { x: box.scrollLeft + box.clientWidth / 2, y: box.scrollTop + box.clientHeight / 2 };
  element.style.setProperty('--zoom', kept.zoom); // on what stays: new content would jump to its own size first
  element.querySelector('.cs-zoom').textContent = `${Math.round(100 * kept.zoom)} %`;
  const ratio = box.scrollHeight / before;
  box.scrollLeft = middle.x * ratio - box.clientWidth / 2;
  box.scrollTop = middle.y * ratio - box.clientHeight / 2;
}

function entered(one) {
  const values = {};
  for (const control of one.elements) {
    if (control.name && !control.closest('fieldset[disabled]')) {
      values[control.name] = control.type === 'checkbox' ? control.checked : control.value;
    }
  }
  return values;
}

function fill(one, values) {
  for (const control of one.elements) {
    if (!(control.name in values)) continue;
    if (control.type === 'checkbox') control.checked = values[control.name];
    else control.value = values[control.name];
  }
}

function showFieldset(one) {
  for (const set of one.querySelectorAll('fieldset')) {
    set.hidden = set.disabled = set.dataset.type !== one.elements.type.value;
  }
}

function openForm(clause) {
  choose(clause);
  form(clause).hidden = false;
  form(clause).elements.text.focus();
}

function closeForm(clause) {
  drafts().delete(clause);
  form(clause).hidden = true;
  form(clause).reset();
  showFieldset(form(clause));
  card(clause).querySelector('[data-act="edit"]').focus();
}

const local = {
  choose(clause, from) {
    choose(clause);
    bring(element.querySelector('.cs-scroll'), mark(clause));
    if (from.closest('.cs-mark')) card(clause).scrollIntoView({ block: 'nearest', behavior: calm() ? 'auto' : 'smooth' });
  },
  words(clause, from) {
    choose(clause);
    showWords(from.dataset.evidence);
    bring(element.querySelector('.cs-scroll'), element.querySelector(`.cs-words[data-evidence="${from.dataset.evidence}"]`));
  },
  edit: openForm,
  'close-form': closeForm,
  'zoom-in': () => zoomTo(kept.zoom * 1.25),
  'zoom-out': () => zoomTo(kept.zoom / 1.25),
  'zoom-fit': () => zoomTo(1),
};

function act(node) {
  const owner = node.closest('[data-clause]');
  const clause = owner ? Number(owner.dataset.clause) : null;
  const name = node.dataset.act;
  if (name in local) return local[name](clause, node);
  if (node.dataset.ask && !window.confirm(node.dataset.ask)) return;
  if (clause !== null) choose(clause);
  kept.focus = { clause, act: name, number: node.dataset.number || null };
  const number = node.dataset.number ? Number(node.dataset.number) : documentNumber();
  trigger('act', { act: name, document: number, clause });
}

element.addEventListener('click', (event) => {
  const node = event.target.closest('[data-act]');
  if (node) return act(node);
  const whole = event.target.closest('.cs-card');
  const inner = event.target.closest('button, a, input, select, textarea, label, summary, form');
  if (whole && !inner && window.getSelection().isCollapsed) local.choose(Number(whole.dataset.clause), whole);
});

element.addEventListener('keydown', (event) => {
  const node = event.target.closest('.cs-mark');
  if (node && (event.key === 'Enter' || event.key === ' ')) {
    event.preventDefault();
    act(node);
    card(node.dataset.clause).querySelector('.cs-choose').focus({ preventScroll: true });
  }
  const open = event.target.closest('.cs-form');
  if (open && event.key === 'Escape') closeForm(Number(open.dataset.clause));
});

element.addEventListener('input', (event) => {
  const open = event.target.closest('.cs-form');
  if (!open) return;
  if (event.target.name === 'type') showFieldset(open);
  drafts().set(Number(open.dataset.clause), entered(open));
});

element.addEventListener('submit', (event) => {
  event.preventDefault();
  const clause = Number(event.target.dataset.clause);
  const draft = drafts().get(clause);
  if (!draft) return closeForm(clause);
  kept.forms += 1;
  kept.sent.set(kept.forms, { document: documentNumber(), clause, draft });
  trigger('act', { act: 'save', document: documentNumber(), clause, entered: entered(event.target), sent: kept.forms });
});

// What the server says of a form that was sent: only what it has saved is no draft any more, unless more was typed meanwhile.
// A form that comes open is wrong.
function takeAnswer() {
  const wrong = element.querySelector('.cs-form:not([hidden])');
  if (wrong) (wrong.querySelector('[aria-invalid]') || wrong.elements.text).focus();
  const number = view() ? Number(view().dataset.saved) : NaN;
  const sent = kept.sent.get(number);
  if (!sent) return;
  kept.sent.delete(number);
  if (drafts(sent.document).get(sent.clause) === sent.draft) drafts(sent.document).delete(sent.clause);
  if (sent.document === documentNumber()) card(sent.clause).querySelector('.cs-choose').focus({ preventScroll: true });
}

// After the server has sent new content: put back what was chosen, zoomed, drafted and focused.
function restore() {
  if (documentNumber() !== kept.document) {
    Object.assign(kept, { document: documentNumber(), clause: null, zoom: 1 });
  }
  takeAnswer();
  // The content is changed node by node, so a control that was edited keeps its value, even for another document's clause.
  for (const one of element.querySelectorAll('.cs-form[hidden]')) {
    if (drafts().has(Number(one.dataset.clause))) continue;
    one.reset();
    showFieldset(one);
  }
  for (const [clause, values] of drafts()) {
    if (!form(clause)) continue;
    form(clause).hidden = false;
    form(clause).elements.type.value = values.type;
    showFieldset(form(clause));
    fill(form(clause), values);
  }
  if (kept.clause !== null) choose(kept.clause);
  if (view()) zoomTo(kept.zoom);
  if (kept.focus) {
    const { clause, act: name, number } = kept.focus;
    const within = clause === null ? element : card(clause);
    const buttons = within ? [...within.querySelectorAll(`[data-act="${name}"]`)] : [];
    const button = buttons.find((b) => (b.dataset.number || null) === number) || (within && within.querySelector('button'));
    if (button && document.activeElement === document.body) button.focus({ preventScroll: true });
    kept.focus = null;
  }
  announce();
}

// One live region, outside of what is rendered anew, tells what has changed.
function announce() {
  const said = element.querySelector('[data-status]');
  if (!said) return;
  let region = document.getElementById('cs-live');
  if (!region) {
    region = document.createElement('div');
    Object.assign(region, { id: 'cs-live', className: 'cs-unseen' });
    region.setAttribute('role', 'status');
    (document.querySelector('main') || document.body).append(region);
  }
  if (region.textContent !== said.textContent) region.textContent = said.textContent;
}

// A finished download is a link that follows itself.
function follow() {
  const link = element.querySelector('a.cs-download');
  if (link) link.click();
}

watch('value', () => {
  restore();
  follow();
});
