// What stands on the nodes of a diagram: numbers of messages by kind, times, results of a test, heat.
import { duration } from '../lib/time';

export interface Numbers {
  queue: number;
  flight: number;
  trash: number;
  tasks: number;
  held: string | null;
  rate?: number;
  median?: number;
  p95?: number;
  test?: string | null;
}

export type Overlay = 'queue' | 'flight' | 'trash' | 'tasks' | 'held' | 'rate' | 'time' | 'test';
export const OVERLAYS: Overlay[] = ['queue', 'flight', 'trash', 'tasks', 'held', 'rate', 'time', 'test'];
// What is shown without being asked for.
export const USUAL: Overlay[] = ['queue', 'flight', 'trash', 'tasks', 'held', 'test'];

export type Heat = 'queue' | 'rate' | 'time' | 'trash';
export const HEATS: Heat[] = ['time', 'queue', 'rate', 'trash'];
// Cool, warm, hot.
const STEPS = 5;

export interface Mark {
  node: string;
  kind: Overlay | 'broken';
  text: string;
  about: string;
}

/** The marks of all nodes for the overlays that are on; zeros are left out. */
export function marksOf(
  nodes: Map<string, Numbers>,
  on: ReadonlySet<Overlay>,
  names: Record<Overlay, string>,
): Mark[] {
  const found: Mark[] = [];
  for (const [node, numbers] of nodes) {
    for (const kind of OVERLAYS) {
      if (!on.has(kind)) continue;
      if (kind === 'held') {
        if (numbers.held !== null) found.push({ node, kind, text: names.held, about: numbers.held });
      } else if (kind === 'rate') {
        if (numbers.rate) found.push({ node, kind, text: `${short(numbers.rate)}/min`, about: `${names.rate}: ${numbers.rate}/min` });
      } else if (kind === 'time') {
        if (numbers.median !== undefined) {
          const p95 = duration(numbers.p95 ?? numbers.median);
          found.push({ node, kind, text: duration(numbers.median), about: `${names.time}: ${duration(numbers.median)}, p95 ${p95}` });
        }
      } else if (kind === 'test') {
        if (numbers.test !== undefined) {
          found.push({ node, kind: numbers.test === null ? 'test' : 'broken', text: numbers.test === null ? '✓' : '!', about: numbers.test ?? names.test });
        }
      } else if (numbers[kind] > 0) {
        found.push({ node, kind, text: short(numbers[kind]), about: `${names[kind]}: ${numbers[kind]}` });
      }
    }
  }
  return found;
}

/** How hot each node is, from 1 to 5, compared with the hottest one; nodes with nothing have no heat. */
export function heatOf(nodes: Map<string, Numbers>, by: Heat): Map<string, number> {
  const value = (numbers: Numbers): number =>
    by === 'time' ? (numbers.p95 ?? 0) : by === 'rate' ? (numbers.rate ?? 0) : by === 'queue' ? numbers.queue + numbers.flight : numbers.trash;
  const hottest = Math.max(0, ...[...nodes.values()].map(value));
  const found = new Map<string, number>();
  for (const [node, numbers] of nodes) {
    const heat = value(numbers);
    if (heat > 0) found.set(node, Math.max(1, Math.ceil((heat / hottest) * STEPS)));
  }
  return found;
}

/** A number that fits on a badge. */
export function short(count: number): string {
  if (count < 1000) return String(Number(count.toPrecision(3)));
  if (count < 999_500) return `${Number((count / 1000).toPrecision(3))}k`;
  return `${Number((count / 1_000_000).toPrecision(3))}M`;
}

/** Put numbers together by node. */
export function numbersOf(
  version: number,
  queues: {
    version: number;
    node: string;
    depth: number;
    in_flight: number;
    delayed: number;
    waiting: number;
    held: string | null;
  }[],
  trash: { version: number; node: string; count: number }[],
  tasks: { version: number; node: string; count: number }[],
): Map<string, Numbers> {
  const found = new Map<string, Numbers>();
  const at = (node: string): Numbers => {
    let numbers = found.get(node);
    if (numbers === undefined) {
      numbers = { queue: 0, flight: 0, trash: 0, tasks: 0, held: null };
      found.set(node, numbers);
    }
    return numbers;
  };
  for (const queue of queues) {
    if (queue.version !== version) continue;
    const numbers = at(queue.node);
    numbers.queue = queue.depth + queue.delayed + queue.waiting;
    numbers.flight = queue.in_flight;
    numbers.held = queue.held;
  }
  for (const each of trash) if (each.version === version) at(each.node).trash += each.count;
  for (const each of tasks) if (each.version === version) at(each.node).tasks += each.count;
  return found;
}
