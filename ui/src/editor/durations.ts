// ISO 8601 durations as a number and a unit, where they are that simple.

export const UNITS = ['ms', 's', 'min', 'h', 'd'] as const;
export type Unit = (typeof UNITS)[number];

export interface Simple {
  count: number;
  unit: Unit;
}

/** `PT5M` is 5 min; null for what has several parts or is no duration. */
export function simple(text: string): Simple | null {
  const found = /^P(?:(\d+)D|T(?:(\d+)H|(\d+)M|(\d+)(?:\.(\d{1,3}))?S))$/.exec(text);
  if (!found) return null;
  const [, days, hours, minutes, seconds, fraction] = found;
  if (days) return { count: Number(days), unit: 'd' };
  if (hours) return { count: Number(hours), unit: 'h' };
  if (minutes) return { count: Number(minutes), unit: 'min' };
  if (fraction) return { count: Number(seconds) * 1000 + Number(fraction.padEnd(3, '0')), unit: 'ms' };
  return { count: Number(seconds), unit: 's' };
}

export function iso({ count, unit }: Simple): string {
  if (unit === 'd') return `P${count}D`;
  if (unit === 'h') return `PT${count}H`;
  if (unit === 'min') return `PT${count}M`;
  if (unit === 's') return `PT${count}S`;
  const rest = String(count % 1000).padStart(3, '0').replace(/0+$/, '');
  return `PT${Math.floor(count / 1000)}${rest ? `.${rest}` : ''}S`;
}

/** `R/PT1H` is every hour; null for what repeats otherwise. */
export const everyOf = (cycle: string): string | null => (/^R\/(P.+)$/.exec(cycle)?.[1] ?? null);
