// The way an instance took, for the drawing: nodes that messages have passed, and nodes where they are stuck.
import type { Schemas } from '../api/client';

type Detail = Schemas['InstanceDetailOut'];

export interface Way {
  passed: Map<string, number>;
  stuck: Set<string>;
  here: Map<string, number>;
}

export function wayOf(instance: Pick<Detail, 'steps' | 'messages' | 'start_node'>): Way {
  const passed = new Map<string, number>();
  for (const step of instance.steps) passed.set(step.node, (passed.get(step.node) ?? 0) + 1);
  const stuck = new Set<string>();
  const here = new Map<string, number>();
  for (const message of instance.messages) {
    if (message.place === 'trash') stuck.add(message.node);
    here.set(message.node, (here.get(message.node) ?? 0) + 1);
  }
  return { passed, stuck, here };
}
