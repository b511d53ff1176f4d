// The figures of the last 60 spans as bars: those of all versions together, and a place for every span without any.
import type { Schemas } from '../api/client';

export type SpanName = 'minute' | 'hour' | 'day';

const LENGTH: Record<SpanName, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const COUNT = 60;

export function inSpans(points: Pick<Schemas['ProcessPointOut'], 'at' | 'started' | 'failed'>[], span: SpanName, now: number) {
  const length = LENGTH[span];
  const last = Math.floor(now / length) * length;
  const found = new Map(Array.from({ length: COUNT }, (_, index) => last - (COUNT - 1 - index) * length).map((at) => [at, { at, started: 0, failed: 0 }]));
  for (const point of points) {
    const bar = found.get(Math.floor(point.at / length) * length);
    if (!bar) continue;
    bar.started += point.started;
    bar.failed += point.failed;
  }
  return [...found.values()];
}
