// Instants are ms since the epoch, durations ms or µs as their names say.

const UNITS: [number, string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** A duration in its largest fitting unit and the one below, such as "3 min 20 s". */
export function duration(ms: number): string {
  if (ms < 1) return ms <= 0 ? '0 ms' : `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const index = UNITS.findIndex(([size]) => ms >= size);
  const [size, unit] = UNITS[index]!;
  const whole = Math.floor(ms / size);
  const [small, smallUnit] = UNITS[index + 1]!;
  const rest = Math.floor((ms - whole * size) / small);
  return rest ? `${whole} ${unit} ${rest} ${smallUnit}` : `${whole} ${unit}`;
}

export function micros(us: number): string {
  return duration(us / 1000);
}

/** How long ago, such as "5 min ago"; of what is to come "in 5 s". */
export function ago(at: number, now: number): string {
  const past = now - at;
  if (Math.abs(past) < 1000) return 'now';
  const index = Math.max(0, UNITS.findIndex(([size]) => Math.abs(past) >= size));
  const [size, unit] = UNITS[index]!;
  const text = `${Math.floor(Math.abs(past) / size)} ${unit}`;
  return past > 0 ? `${text} ago` : `in ${text}`;
}

const FULL = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

export function instant(at: number): string {
  return FULL.format(at);
}
