// Trash as problems: messages of the same node that failed for the same reason are one.
import type { Schemas } from '../api/client';

type Placed = Schemas['PlacedOut'];

export interface Group {
  key: string;
  process: string;
  version: number;
  node: string;
  reasonCode: string | null;
  reason: string;
  count: number;
  first: number;
  last: number;
}

/** The groups, the largest first. */
export function groupTrash(messages: Placed[]): Group[] {
  const found = new Map<string, Group>();
  for (const message of messages) {
    const key = JSON.stringify([message.process, message.version, message.node, message.reason_code]);
    const group = found.get(key);
    if (group === undefined) {
      found.set(key, {
        key,
        process: message.process,
        version: message.version,
        node: message.node,
        reasonCode: message.reason_code,
        reason: message.reason ?? message.reason_code ?? '',
        count: 1,
        first: message.entered,
        last: message.entered,
      });
    } else {
      group.count += 1;
      group.first = Math.min(group.first, message.entered);
      group.last = Math.max(group.last, message.entered);
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count || b.last - a.last);
}
