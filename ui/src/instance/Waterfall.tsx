// What an instance did over time: a line for each message at each node, waiting light, at work solid.
import { Box, Group, Text, UnstyledButton } from '@mantine/core';

import type { Schemas } from '../api/client';
import { duration } from '../lib/time';
import { waterfallOf, type Bar } from '../lib/waterfall';
import { t } from '../texts';
import { useNow } from '../ui/parts';

type Detail = Schemas['InstanceDetailOut'];
const MARKS = [0, 0.25, 0.5, 0.75, 1];
const percent = (share: number) => `${(share * 100).toFixed(3)}%`;

export function Waterfall({ of, nameOf, open, chosen }: { of: Detail; nameOf: (id: string) => string; open: (message: string) => void; chosen: string }) {
  const now = useNow();
  const { begin, end, bars } = waterfallOf(of, now);
  const span = end - begin;
  return (
    <Box>
      <Text size="xs" c="dimmed" mb="xs">
        {t.hop.waterfallAbout}
      </Text>
      <div className="waterfall" role="list" aria-label={t.hop.lane}>
        <div className="row axis" aria-hidden>
          <span />
          <span className="lane">
            {MARKS.map((mark) => (
              <span key={mark} className="mark" style={{ left: percent(mark) }} data-last={mark === 1}>
                {duration(span * mark)}
              </span>
            ))}
          </span>
        </div>
        {bars.map((bar) => (
          <Line key={bar.message} bar={bar} name={nameOf(bar.node)} open={open} chosen={bar.message === chosen} />
        ))}
      </div>
    </Box>
  );
}

function Line({ bar, name, open, chosen }: { bar: Bar; name: string; open: (message: string) => void; chosen: boolean }) {
  const about = bar.live ? t.hop.still : `${t.instance.waited} ${duration(bar.waited)} · ${t.instance.worked} ${duration(bar.worked)}`;
  return (
    <div role="listitem">
      <UnstyledButton className={`row${chosen ? ' chosen' : ''}`} onClick={() => open(bar.message)} aria-label={`${name}: ${bar.outcome}, ${about}`} title={about}>
        <Group gap={4} wrap="nowrap" className="name" style={{ paddingLeft: bar.depth * 12 }}>
          <span className={`dot ${bar.outcome}`} aria-hidden />
          <Text size="sm" truncate>
            {name}
          </Text>
        </Group>
        <span className="lane">
          <span className="waits" style={{ left: percent(bar.from), width: percent(bar.taken - bar.from) }} />
          <span className={`works ${bar.outcome}`} style={{ left: percent(bar.taken), width: percent(bar.to - bar.taken) }} />
        </span>
      </UnstyledButton>
    </div>
  );
}
