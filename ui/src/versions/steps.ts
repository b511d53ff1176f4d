// What can be done with a version.
import type { Schemas } from '../api/client';

export type StepName = 'publish' | 'enable' | 'disable' | 'switch' | 'retire';

const STEPS: Record<string, StepName[]> = {
  draft: ['publish'],
  disabled: ['switch', 'enable', 'retire'],
  enabled: ['disable', 'switch', 'retire'],
  retired: [],
};

/** What can be done with a version now, the likeliest first. Where nothing else is enabled a switch is just enabling. */
export function stepsOf(process: Schemas['ProcessOut'], version: Schemas['VersionOut']): StepName[] {
  const others = process.versions.some((each) => each.state === 'enabled' && each.version !== version.version);
  return (STEPS[version.state] ?? []).filter((step) => step !== 'switch' || others);
}
