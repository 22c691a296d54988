// The widget's inside, in its frame. The page around it is told how many messages are
// unread, and says how it wants to look; nothing else goes between the two.
import { Customer } from './customer.js';

// THEME are the variables that a site may set, as they are called here.
const THEME = {
  '--parley-accent': '--accent', '--parley-accent-ink': '--accent-ink', '--parley-background': '--panel',
  '--parley-ink': '--ink', '--parley-muted': '--muted', '--parley-line': '--line', '--parley-theirs': '--theirs',
  '--parley-theirs-ink': '--theirs-ink', '--parley-radius': '--radius', '--parley-font': '--font',
};

const options = new URLSearchParams(location.hash.slice(1));
const tell = (what) => { if (parent !== window) parent.postMessage({ parley: what }, '*'); }; // has no secrets

function theme(variables) {
  const root = document.documentElement;
  for (const [theirs, ours] of Object.entries(THEME)) {
    const value = variables[theirs];
    if (typeof value === 'string' && value.length < 200) root.style.setProperty(ours, value);
  }
  if (['light', 'dark'].includes(variables.scheme)) root.dataset.theme = variables.scheme;
}

let attributes;
try {
  attributes = JSON.parse(options.get('attributes') ?? 'null') ?? undefined;
} catch (error) { // then none
  console.error(`data-attributes is not JSON: ${error.message}`);
}

const customer = new Customer(document.querySelector('main'), {
  flow: options.get('flow') ?? undefined, name: options.get('name') ?? '', attributes,
  ...(options.get('title') && { title: options.get('title') }), ...(options.get('welcome') && { welcome: options.get('welcome') }),
  changed: (c) => {
    const s = c.session;
    tell({ unread: s && !s.over ? s.unread : 0 });
  },
});

addEventListener('message', ({ source, data }) => {
  if (source !== parent || !data?.parley) return;
  if (data.parley.theme) theme(data.parley.theme);
  if (data.parley.open) {
    customer.reveal();
    customer.focus();
  }
});
addEventListener('keydown', (e) => { if (e.key === 'Escape') tell({ close: true }); });
tell({ ready: true });
