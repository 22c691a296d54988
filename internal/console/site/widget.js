// Puts a chat on any site:
//
//   <script src="https://chat.example.com/console/widget.js" data-flow="…" async></script>
//
// The chat itself is in a frame of the chat server, so that neither page can reach into
// the other. data-name, data-title, data-welcome, data-attributes (JSON), data-open and
// data-position="left" say more; variables like --parley-accent on :root say how it looks.
(() => {
  const script = document.currentScript;
  const base = new URL('.', script.src);
  const VARIABLES = ['--parley-accent', '--parley-accent-ink', '--parley-background', '--parley-ink', '--parley-muted', '--parley-line',
    '--parley-theirs', '--parley-theirs-ink', '--parley-radius', '--parley-font'];
  const STYLE = `
    :host { all: initial; position: fixed; inset: auto 20px 20px auto; z-index: 2147483000; font: 16px/1.4 system-ui, sans-serif; }
    :host(.left) { inset: auto auto 20px 20px; }
    button { all: unset; box-sizing: border-box; display: grid; place-items: center; width: 58px; height: 58px; border-radius: 50%; cursor: pointer;
      background: var(--parley-accent, #0b6b62); color: var(--parley-accent-ink, #fff); box-shadow: 0 6px 20px rgb(0 0 0 / .28); margin-left: auto; position: relative; }
    :host(.left) button { margin: 0 auto 0 0; }
    button:focus-visible { outline: 3px solid var(--parley-accent, #0b6b62); outline-offset: 3px; }
    svg { width: 28px; height: 28px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    b { position: absolute; top: -3px; right: -3px; min-width: 22px; height: 22px; border-radius: 11px; background: #c62828; color: #fff; font: 600 13px/22px system-ui, sans-serif; text-align: center; padding: 0 5px; box-sizing: border-box; }
    [hidden] { display: none !important; }
    iframe { display: block; width: min(380px, calc(100vw - 40px)); height: min(620px, calc(100dvh - 110px)); border: 0; border-radius: var(--parley-radius, 16px);
      background: var(--parley-background, canvas); box-shadow: 0 12px 40px rgb(0 0 0 / .3); margin-bottom: 14px; color-scheme: normal; }
    @media (max-width: 480px) {
      :host(.open), :host(.open.left) { inset: 0; }
      iframe { width: 100vw; height: calc(100dvh - 64px); border-radius: 0; margin: 0; }
      :host(.open) button { width: 44px; height: 44px; margin: 10px auto; box-shadow: none; }
    }`;
  const PATIENCE = 3000;
  const SVG = 'http://www.w3.org/2000/svg';

  function make(tag, attributes, ...children) {
    const node = tag === 'svg' || tag === 'path' ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function begin() {
    const said = script.dataset;
    const options = new URLSearchParams();
    for (const name of ['flow', 'name', 'title', 'welcome', 'attributes']) if (said[name]) options.set(name, said[name]);
    const title = said.title || 'Chat with us';
    const host = make('div', { class: said.position === 'left' ? 'left' : '' });
    const root = host.attachShadow({ mode: 'open' });
    const sheet = new CSSStyleSheet(); // a site's own policy doesn't stand in its way
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    const frame = make('iframe', { src: `${new URL('widget', base)}#${options}`, title, hidden: '', allow: 'clipboard-write' });
    const drawing = make('path', { d: 'M4 5h16v11H10l-5 4v-4H4z' });
    const count = make('b', { hidden: '' });
    const launcher = make('button', { type: 'button', 'aria-label': title, 'aria-expanded': 'false', hidden: '' }, make('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, drawing), count);
    root.append(frame, launcher);
    document.body.append(host);

    let ready = false; // only then is there something to see
    frame.addEventListener('load', () => setTimeout(() => {
      if (!ready) console.error(`There is no chat: its frame says nothing. Is ${location.origin} one of the widget-origins of ${base.origin}?`);
    }, PATIENCE));
    const tell = (what) => { if (ready) frame.contentWindow.postMessage({ parley: what }, base.origin); };
    // dress tells how the page wants the chat to look, as often as that may have changed:
    // its style sheets can come late.
    function dress() {
      const style = getComputedStyle(document.documentElement);
      const theme = Object.fromEntries(VARIABLES.map((v) => [v, style.getPropertyValue(v).trim()]).filter(([, v]) => v));
      if (said.scheme) theme.scheme = said.scheme;
      tell({ theme });
    }
    addEventListener('load', dress);
    function show(open) {
      frame.hidden = !open;
      host.classList.toggle('open', open);
      launcher.setAttribute('aria-expanded', String(open));
      drawing.setAttribute('d', open ? 'M6 6l12 12M18 6 6 18' : 'M4 5h16v11H10l-5 4v-4H4z');
      if (open) {
        dress();
        frame.focus();
        tell({ open: true });
      } else {
        launcher.focus();
      }
    }
    launcher.addEventListener('click', () => show(frame.hidden));
    addEventListener('message', ({ origin, source, data }) => {
      if (origin !== base.origin || source !== frame.contentWindow || !data?.parley) return;
      const { unread, close } = data.parley;
      if (data.parley.ready) {
        ready = true;
        launcher.hidden = false;
        dress();
        if (said.open !== undefined || !frame.hidden) show(true);
      }
      if (close) show(false);
      if (unread !== undefined) {
        count.hidden = !unread;
        count.textContent = String(unread);
        launcher.setAttribute('aria-label', unread ? `${title}, ${unread} unread` : title);
      }
    });
  }
  if (document.body) begin();
  else addEventListener('DOMContentLoaded', begin);
})();
