// What the server found, as work that is to be done.
import type { t } from '../texts';
import type { TabName } from './Panel';
import type { Finding } from './session';

export type TodoGroup = keyof typeof t.editor.problems.groups;

const GROUPS: Record<string, TodoGroup> = {
  'no-action': 'actions',
  'no-called-process': 'actions',
  'bad-binding': 'actions',
  'branch-without-condition': 'conditions',
  'bad-condition': 'conditions',
  'timer-empty': 'times',
  'bad-timer': 'times',
  'schedule-missing': 'times',
};

/** What is to be done, by kind of work: everything that keeps the drawing from being published. */
export function todoOf(findings: Finding[]): Map<TodoGroup, Finding[]> {
  const found = new Map<TodoGroup, Finding[]>();
  for (const finding of findings) {
    const group = GROUPS[finding.code] ?? (finding.severity === 'error' ? 'rest' : undefined);
    if (group) found.set(group, [...(found.get(group) ?? []), finding]);
  }
  return found;
}

export const todoCount = (findings: Finding[]): number => [...todoOf(findings).values()].reduce((sum, each) => sum + each.length, 0);

/** The tab in which a finding is put right. */
export function tabFor(code: string, flow: boolean): TabName | null {
  if (/condition|default-flow/.test(code)) return flow ? 'condition' : 'conditions';
  if (/called-process/.test(code)) return 'call';
  if (/timer|schedule/.test(code)) return 'schedule';
  if (/action|binding/.test(code)) return 'action';
  return null;
}
