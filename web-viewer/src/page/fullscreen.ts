/**
 * Full screen for the page, never for the video alone: iOS would show its own player, which takes no input. Where the
 * page cannot fill the screen (iPhone), everything but the picture is hidden instead.
 */
import type { App } from './app.js';

type Old = { webkitRequestFullscreen?(): void; webkitExitFullscreen?(): void; webkitFullscreenElement?: Element | null };

export const isFullscreen = (app: App): boolean =>
  app.view.immersive || Boolean(document.fullscreenElement ?? (document as Old).webkitFullscreenElement);

export async function toggleFullscreen(app: App): Promise<void> {
  const root = document.documentElement as HTMLElement & Old;
  const page = document as Document & Old;
  try {
    if (app.view.immersive) {
      app.set({ immersive: false });
    } else if (isFullscreen(app)) {
      if (page.exitFullscreen) await page.exitFullscreen();
      else page.webkitExitFullscreen?.();
    } else if (root.requestFullscreen) {
      await root.requestFullscreen({ navigationUI: 'hide' });
    } else if (root.webkitRequestFullscreen) {
      root.webkitRequestFullscreen();
    } else {
      app.set({ immersive: true });
    }
  } catch {
    app.set({ immersive: true });
  }
}

export function watchFullscreen(app: App): void {
  for (const name of ['fullscreenchange', 'webkitfullscreenchange']) {
    document.addEventListener(name, () => app.refresh());
  }
}
