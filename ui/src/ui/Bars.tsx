// Instances by the minute, hour or day as bars: started, and of them failed. A table in words for those who do not see it.
import { Text } from '@mantine/core';

import type { Schemas } from '../api/client';
import { t } from '../texts';

const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' });
const HOUR = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit' });
const FORMATS = { minute: TIME, hour: HOUR, day: DAY };
const WIDTH = 600;
const HEIGHT = 90;

/** `ended`: what failed is what has ended so, and not what is in trash. */
export function Bars({ minutes, span = 'minute', ended = false }: { minutes: Schemas['MinuteOut'][]; span?: keyof typeof FORMATS; ended?: boolean }) {
  const format = FORMATS[span];
  const most = Math.max(1, ...minutes.map((minute) => minute.started));
  const started = minutes.reduce((sum, minute) => sum + minute.started, 0);
  const failed = minutes.reduce((sum, minute) => sum + minute.failed, 0);
  const width = WIDTH / Math.max(1, minutes.length);
  const about = (ended ? t.statistics.endedAbout : t.statistics.trafficAbout)(started, failed, t.statistics.spans[span]);
  return (
    <figure className="bars">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={about}>
        {minutes.map((minute, index) => {
          const all = (minute.started / most) * (HEIGHT - 4);
          const bad = (minute.failed / most) * (HEIGHT - 4);
          return (
            <g key={minute.at}>
              <title>{`${format.format(minute.at)}: ${minute.started}${minute.failed ? `, ${minute.failed} failed` : ''}`}</title>
              <rect className="all" x={index * width + 1} width={width - 2} y={0} height={HEIGHT} opacity={0} />
              {minute.started > 0 && <rect className="started" x={index * width + 1} width={width - 2} y={HEIGHT - Math.max(2, all)} height={Math.max(2, all)} />}
              {minute.failed > 0 && <rect className="failed" x={index * width + 1} width={width - 2} y={HEIGHT - Math.max(2, bad)} height={Math.max(2, bad)} />}
            </g>
          );
        })}
      </svg>
      <figcaption>
        <Text size="xs" c="dimmed" component="span">
          {minutes[0] && format.format(minutes[0].at)}
        </Text>
        <Text size="xs" component="span">
          {about}
        </Text>
        <Text size="xs" c="dimmed" component="span">
          {minutes.at(-1) && format.format(minutes.at(-1)!.at)}
        </Text>
      </figcaption>
    </figure>
  );
}
