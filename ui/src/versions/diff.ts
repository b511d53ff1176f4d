// What differs between two versions, made ready for the drawing and for the list beside it.

export interface Field {
  field: string;
  before: unknown;
  after: unknown;
}
export type Kind = 'added' | 'removed' | 'changed';
export interface Change {
  id: string;
  label: string;
  of: 'node' | 'flow' | 'process';
  kind: Kind;
  fields: Field[];
}

interface Item {
  id: string;
  label: string;
  changes?: Field[];
}
interface Items {
  added: Item[];
  removed: Item[];
  changed: Item[];
}
interface Setting extends Field {
  node: string;
  label: string;
}
export interface GraphDiff {
  nodes: Items;
  flows: Items;
  settings: { added: Setting[]; removed: Setting[]; changed: Setting[] };
  process: Field[];
}

const ORDER: Kind[] = ['removed', 'added', 'changed'];

/** One entry for each node, flow or process that differs, with all of its fields. */
export function changesOf(diff: GraphDiff): Change[] {
  const found = new Map<string, Change>();
  const at = (id: string, label: string, of: Change['of'], kind: Kind): Change => {
    const key = `${of} ${id}`;
    let change = found.get(key);
    if (!change) {
      change = { id, label, of, kind, fields: [] };
      found.set(key, change);
    }
    return change;
  };
  for (const [of, items] of [['node', diff.nodes], ['flow', diff.flows]] as const) {
    for (const kind of ORDER) {
      for (const item of items[kind]) at(item.id, item.label, of, kind).fields.push(...(item.changes ?? []).map(plain));
    }
  }
  const settings = [...diff.settings.added, ...diff.settings.removed, ...diff.settings.changed];
  for (const setting of settings) at(setting.node, setting.label, 'node', 'changed').fields.push(plain(setting));
  if (diff.process.length > 0) at('', '', 'process', 'changed').fields.push(...diff.process.map(plain));
  return [...found.values()].sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || a.label.localeCompare(b.label));
}

const plain = ({ field, before, after }: Field): Field => ({ field, before: before ?? null, after: after ?? null });

/** What is painted on each of the two drawings: ids by kind. */
export function paintOf(changes: Change[], side: 'before' | 'after'): Record<Kind, string[]> {
  const of = (kind: Kind) => changes.filter((each) => each.kind === kind && each.id !== '').map((each) => each.id);
  return {
    added: side === 'after' ? of('added') : [],
    removed: side === 'before' ? of('removed') : [],
    changed: of('changed'),
  };
}

/** A value of the graph for people: durations and lists in words, the rest as it is. */
export function shown(field: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  if (typeof value === 'number' && /_ms$/.test(field)) return value % 1000 === 0 ? `${(value / 1000).toLocaleString('en')} s` : `${value} ms`;
  if (typeof value === 'object') {
    return Object.entries(value as Record<string, unknown>)
      .filter(([, each]) => each !== null && each !== '')
      .map(([name, each]) => (Array.isArray(value) ? shown('', each) : `${name}: ${shown(name, each)}`))
      .join(Array.isArray(value) ? '; ' : ', ');
  }
  return String(value);
}

export const fieldName = (field: string): string => field.replace(/_ms$/, '').replace(/[._]/g, ' ').replace(/^./, (first) => first.toUpperCase());
