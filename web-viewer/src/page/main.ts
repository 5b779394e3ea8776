/** The viewer page. It needs nothing but a share link in its address. */
import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/panels.css';
import './styles/tools.css';
import { tokenFromText } from '../client/link.js';
import { App } from './app.js';
import { BottomBar } from './bottombar.js';
import { Cards } from './cards.js';
import { ConnectBanner } from './connect_banner.js';
import { DetailsPanel } from './details_panel.js';
import { h } from './dom.js';
import { watchFullscreen } from './fullscreen.js';
import { Keyboard } from './keyboard.js';
import { ListPanel } from './list_panel.js';
import { loginPage } from './login.js';
import { ownName } from './people.js';
import { Pointers } from './pointers.js';
import { Stage } from './stage.js';
import { StatsPanel } from './stats_panel.js';
import { applyTheme } from './theme.js';
import { Toasts } from './toasts.js';
import { Tools } from './tools.js';
import { TopBar } from './topbar.js';

declare global {
  interface Window {
    /** The page's client, for automation. */
    remoteRender?: App['client'];
  }
}

applyTheme();
// A new link in the address bar is another session.
addEventListener('hashchange', () => location.reload());
if (tokenFromText(location.hash) === '') document.body.replaceChildren(loginPage());
else start();

function start(): void {
  const app = new App();
  const { client } = app;
  window.remoteRender = client;
  // Who closes the page frees the place at once; the host notices by itself only after a while.
  addEventListener('pagehide', () => client.disconnect());
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
  const stage = new Stage(app);
  const pointers = new Pointers(app, stage);
  const cards = new Cards(app, stage);
  const parts = {
    top: new TopBar(app),
    list: new ListPanel(app),
    details: new DetailsPanel(app),
    stats: new StatsPanel(app),
    tools: new Tools(app),
    banner: new ConnectBanner(app),
    bottom: new BottomBar(app, stage),
    pointers,
    cards,
  };
  new Keyboard(app, stage);
  watchFullscreen(app);
  const frame = h(
    'div',
    { class: 'frame' },
    stage.element,
    pointers.element,
    cards.element,
    parts.top.element,
    parts.banner.element,
    parts.stats.element,
    parts.tools.element,
    parts.bottom.element,
    new Toasts(app).element,
  );
  const root = h('div', { class: 'app' }, parts.list.element, frame, parts.details.element);
  document.body.replaceChildren(root);

  app.onChange(() => {
    root.classList.toggle('is-immersive', app.view.immersive);
    for (const part of Object.values(parts)) part.update();
  });
  explainDisabled(app);
  noteInput();
  followSelection(app);
  keepPlaying(app, stage, cards);
  client.onState(() => app.refresh());
  client.onPresence(() => app.refresh());
  client.onError((error) => !error.fatal && app.toast(sentence(error.message), 'error'));
  new ResizeObserver(([entry]) => {
    const width = entry?.contentRect.width ?? innerWidth;
    frame.classList.toggle('is-medium', width < 1060);
    frame.classList.toggle('is-narrow', width < 640);
    app.refresh();
  }).observe(stage.element);
  stage.video.addEventListener('resize', () => app.refresh());
  app.refresh();
  client.connect({ name: ownName() });
}

/** A press on what is off tells why: a touch screen has no tooltips. */
function explainDisabled(app: App): void {
  document.addEventListener(
    'click',
    (event) => {
      const off = event.target instanceof Element ? event.target.closest<HTMLElement>('[aria-disabled="true"]') : null;
      if (!off) return;
      event.stopPropagation();
      event.preventDefault();
      const reason = off.dataset['reason'];
      if (reason) app.toast(reason);
    },
    true,
  );
}

/** The picture shows its ring of focus to people who use the keyboard, and only to them. */
function noteInput(): void {
  const { dataset } = document.documentElement;
  addEventListener('keydown', (event) => event.key === 'Tab' && (dataset['input'] = 'keys'), true);
  addEventListener('pointerdown', () => (dataset['input'] = 'pointer'), true);
}

/** The details show what is selected, whoever selected it. */
function followSelection(app: App): void {
  let before = '';
  app.client.onState(({ selection }) => {
    const now = selection.join('\n');
    if (now === before) return;
    before = now;
    app.set({ inspected: selection[selection.length - 1] ?? null });
  });
}

/** Browsers stop videos in the background and may want a touch before they start one. */
function keepPlaying(app: App, stage: Stage, cards: Cards): void {
  const { video } = stage;
  const resume = () => {
    if (!video.srcObject || !video.paused || document.visibilityState !== 'visible') return;
    void video.play()?.then(
      () => {
        cards.blocked = false;
        app.refresh();
      },
      (error: unknown) => {
        cards.blocked = error instanceof DOMException && error.name === 'NotAllowedError';
        app.refresh();
      },
    );
  };
  document.addEventListener('visibilitychange', resume);
  addEventListener('pageshow', resume);
  // iOS counts the end of a touch as the person's wish, not its beginning.
  for (const name of ['pointerdown', 'touchend', 'click']) addEventListener(name, resume, true);
  video.addEventListener('pause', () => setTimeout(resume, 100));
  app.client.onTrack(() => setTimeout(resume, 300));
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
