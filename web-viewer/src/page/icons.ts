/** Phosphor icons (MIT), inlined. */
import arrowClockwise from '@phosphor-icons/core/assets/regular/arrow-clockwise.svg?raw';
import arrowLeft from '@phosphor-icons/core/assets/regular/arrow-left.svg?raw';
import arrowRight from '@phosphor-icons/core/assets/regular/arrow-right.svg?raw';
import arrowLineDown from '@phosphor-icons/core/assets/regular/arrow-line-down.svg?raw';
import undo from '@phosphor-icons/core/assets/regular/arrow-u-up-left.svg?raw';
import redo from '@phosphor-icons/core/assets/regular/arrow-u-up-right.svg?raw';
import chart from '@phosphor-icons/core/assets/regular/chart-line.svg?raw';
import caretUp from '@phosphor-icons/core/assets/regular/caret-up.svg?raw';
import copy from '@phosphor-icons/core/assets/regular/copy.svg?raw';
import copySimple from '@phosphor-icons/core/assets/regular/copy-simple.svg?raw';
import cornersIn from '@phosphor-icons/core/assets/regular/corners-in.svg?raw';
import cornersOut from '@phosphor-icons/core/assets/regular/corners-out.svg?raw';
import cube from '@phosphor-icons/core/assets/regular/cube.svg?raw';
import cubeFocus from '@phosphor-icons/core/assets/regular/cube-focus.svg?raw';
import dots from '@phosphor-icons/core/assets/regular/dots-three.svg?raw';
import engine from '@phosphor-icons/core/assets/regular/engine.svg?raw';
import eye from '@phosphor-icons/core/assets/regular/eye.svg?raw';
import factory from '@phosphor-icons/core/assets/regular/factory.svg?raw';
import flow from '@phosphor-icons/core/assets/regular/flow-arrow.svg?raw';
import frame from '@phosphor-icons/core/assets/regular/frame-corners.svg?raw';
import flip from '@phosphor-icons/core/assets/regular/flip-horizontal.svg?raw';
import gauge from '@phosphor-icons/core/assets/regular/gauge.svg?raw';
import crosshair from '@phosphor-icons/core/assets/regular/crosshair-simple.svg?raw';
import info from '@phosphor-icons/core/assets/regular/info.svg?raw';
import linkBreak from '@phosphor-icons/core/assets/regular/link-break.svg?raw';
import link from '@phosphor-icons/core/assets/regular/link.svg?raw';
import list from '@phosphor-icons/core/assets/regular/list-bullets.svg?raw';
import moon from '@phosphor-icons/core/assets/regular/moon.svg?raw';
import perspective from '@phosphor-icons/core/assets/regular/perspective.svg?raw';
import packageIcon from '@phosphor-icons/core/assets/regular/package.svg?raw';
import plus from '@phosphor-icons/core/assets/regular/plus.svg?raw';
import presentation from '@phosphor-icons/core/assets/regular/presentation.svg?raw';
import question from '@phosphor-icons/core/assets/regular/question.svg?raw';
import robot from '@phosphor-icons/core/assets/regular/robot.svg?raw';
import ruler from '@phosphor-icons/core/assets/regular/ruler.svg?raw';
import section from '@phosphor-icons/core/assets/regular/square-half.svg?raw';
import square from '@phosphor-icons/core/assets/regular/square.svg?raw';
import stack from '@phosphor-icons/core/assets/regular/stack.svg?raw';
import sun from '@phosphor-icons/core/assets/regular/sun.svg?raw';
import timer from '@phosphor-icons/core/assets/regular/timer.svg?raw';
import trash from '@phosphor-icons/core/assets/regular/trash.svg?raw';
import users from '@phosphor-icons/core/assets/regular/users.svg?raw';
import warning from '@phosphor-icons/core/assets/regular/warning-circle.svg?raw';
import wifi from '@phosphor-icons/core/assets/regular/wifi-slash.svg?raw';
import wrench from '@phosphor-icons/core/assets/regular/wrench.svg?raw';
import x from '@phosphor-icons/core/assets/regular/x.svg?raw';

const SOURCES = {
  arrowClockwise, arrowLeft, arrowRight, arrowLineDown, undo, redo, chart, caretUp, copy, copySimple, cornersIn,
  cornersOut, cube, cubeFocus, dots, engine, eye, factory, flip, flow, frame, gauge, crosshair, info, linkBreak, link, list, moon,
  package: packageIcon, perspective, plus, presentation, question, robot, ruler, section, square, stack, sun, timer, trash, users, warning, wifi, wrench, x,
};

export type IconName = keyof typeof SOURCES;

/** An icon that means nothing by itself: whatever it is on has a name. */
export function icon(name: IconName): SVGElement {
  const template = document.createElement('template');
  template.innerHTML = SOURCES[name];
  const svg = template.content.firstElementChild as SVGElement;
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  return svg;
}

const KINDS: Record<string, IconName> = {
  production_line: 'factory',
  work_center: 'wrench',
  robot_arm: 'robot',
  conveyor: 'flow',
  machining_cell: 'engine',
  pallet: 'stack',
  sensor: 'gauge',
  equipment: 'package',
};

export const kindIcon = (kind: string): SVGElement => icon(KINDS[kind] ?? 'cube');
