// Messages of an instance as bars over time, children below the message they come from.
import type { Schemas } from '../api/client';

type Detail = Schemas['InstanceDetailOut'];

export interface Bar {
  message: string;
  parent: string | null;
  node: string;
  depth: number;
  outcome: string;
  live: boolean;
  /** Shares of the whole time, from 0 to 1. */
  from: number;
  taken: number;
  to: number;
  waited: number;
  worked: number;
}

export interface Waterfall {
  begin: number;
  end: number;
  bars: Bar[];
}

const DEEPEST = 12;

export function waterfallOf(of: Pick<Detail, 'started' | 'finished' | 'steps' | 'messages'>, now: number): Waterfall {
  const begin = of.started;
  const end = Math.max(of.finished ?? now, begin + 1, ...of.steps.map((step) => step.ended));
  const share = (at: number) => Math.min(1, Math.max(0, (at - begin) / (end - begin)));
  const bars: Bar[] = [
    ...of.steps.map((step) => ({
      message: step.message,
      parent: step.parent,
      node: step.node,
      depth: 0,
      outcome: step.outcome,
      live: false,
      from: share(step.entered),
      taken: share(Math.max(step.taken, step.entered)),
      to: share(step.ended),
      waited: Math.max(0, step.taken - step.entered),
      worked: Math.max(0, step.ended - step.taken),
    })),
    ...of.messages.map((message) => ({
      message: message.id,
      parent: message.parent,
      node: message.node,
      depth: 0,
      outcome: message.place,
      live: true,
      from: share(message.entered),
      taken: 1,
      to: 1,
      waited: Math.max(0, end - message.entered),
      worked: 0,
    })),
  ];
  return { begin, end, bars: ordered(bars) };
}

/** Each message below its parent, siblings in the order in which they came. */
function ordered(bars: Bar[]): Bar[] {
  const known = new Set(bars.map((bar) => bar.message));
  const children = new Map<string, Bar[]>();
  const roots: Bar[] = [];
  for (const bar of [...bars].sort((a, b) => a.from - b.from)) {
    if (bar.parent !== null && bar.parent !== bar.message && known.has(bar.parent)) {
      const siblings = children.get(bar.parent);
      if (siblings) siblings.push(bar);
      else children.set(bar.parent, [bar]);
    } else roots.push(bar);
  }
  const found: Bar[] = [];
  const stack = roots.reverse();
  while (stack.length > 0) {
    const bar = stack.pop()!;
    found.push(bar);
    for (const child of (children.get(bar.message) ?? []).reverse()) {
      stack.push({ ...child, depth: Math.min(DEEPEST, bar.depth + 1) });
    }
    children.delete(bar.message);
  }
  return found;
}
