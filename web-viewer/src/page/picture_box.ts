/** Where the picture is within the element that shows it: `object-fit: contain` leaves bars at two sides. */

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Input is measured in pixels of a picture this high. */
export const INPUT_HEIGHT = 720;

/** The part of `element` that a picture of that size fills. */
export function pictureBox(element: Box, width: number, height: number): Box {
  if (width <= 0 || height <= 0) return element;
  const scale = Math.min(element.width / width, element.height / height);
  const [w, h] = [width * scale, height * scale];
  return { left: element.left + (element.width - w) / 2, top: element.top + (element.height - h) / 2, width: w, height: h };
}

/** A point of the page as a point of the picture: 0 to 1 inside. */
export function toPicture(box: Box, x: number, y: number): { x: number; y: number } {
  return { x: (x - box.left) / Math.max(box.width, 1), y: (y - box.top) / Math.max(box.height, 1) };
}

export const isInside = ({ x, y }: { x: number; y: number }): boolean => x >= 0 && x <= 1 && y >= 0 && y <= 1;

/** Factor from CSS pixels on the page to pixels of input. */
export const inputScale = (box: Box): number => INPUT_HEIGHT / Math.max(box.height, 1);

/** The pixels of a wheel event, whose unit may be lines or pages. */
export function wheelPixels(event: Pick<WheelEvent, 'deltaY' | 'deltaMode' | 'ctrlKey'>): number {
  const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? INPUT_HEIGHT : 1;
  // A pinch on a touchpad comes as a wheel with Ctrl and with small numbers.
  const pinch = event.ctrlKey && event.deltaMode === 0 ? 8 : 1;
  return Math.max(-1000, Math.min(1000, event.deltaY * unit * pinch));
}
