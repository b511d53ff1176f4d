// A log line with those before and after it, as one would read a file.
import { Button, Drawer, Group, Stack, Switch, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';

import { useAround } from '../api/queries';
import { instant } from '../lib/time';
import { numberOf, useParameter } from '../lib/url';
import { t } from '../texts';
import { useNames } from '../ui/names';
import { Shown, State } from '../ui/parts';
import type { Line } from './tail';

const FEW = 20;
const MOST = 200;

export function Around() {
  const [line, setLine] = useParameter('line');
  const [whole, setWhole] = useParameter('around');
  const [count, setCount] = useState(FEW);
  const seq = numberOf(line);
  const found = useAround(seq, count, whole !== 'all');
  useEffect(() => setCount(FEW), [line]);
  return (
    <Drawer
      opened={seq !== undefined}
      onClose={() => setLine(null)}
      position="right"
      size="xl"
      title={found.data ? t.logs.aroundOf(instant(found.data.line.at)) : t.logs.around}
      closeButtonProps={{ 'aria-label': t.close }}
    >
      <Stack>
        <Group justify="space-between">
          <Switch label={t.logs.same} checked={whole !== 'all'} onChange={(event) => setWhole(event.currentTarget.checked ? null : 'all', true)} />
          <Button size="compact-sm" variant="default" disabled={count >= MOST} loading={found.isFetching} onClick={() => setCount(Math.min(MOST, count * 3))}>
            {t.logs.more}
          </Button>
        </Group>
        <Shown of={found} rows={6}>
          {(data) => <Lines before={data.before} line={data.line} after={data.after} />}
        </Shown>
      </Stack>
    </Drawer>
  );
}

function Lines({ before, line, after }: { before: Line[]; line: Line; after: Line[] }) {
  const lines = [...before, line, ...after];
  const nameOf = useNames(lines);
  return (
    <ol className="lines" aria-label={t.logs.title}>
      {lines.map((each) => (
        <One key={each.seq} line={each} node={nameOf(each.process, each.version, each.node)} chosen={each.seq === line.seq} />
      ))}
    </ol>
  );
}

function One({ line, node, chosen }: { line: Line; node: string; chosen: boolean }) {
  const place = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (chosen) place.current?.scrollIntoView({ block: 'center' });
  }, [chosen]);
  return (
    <li ref={place} className={chosen ? 'chosen' : undefined} aria-current={chosen || undefined}>
      <Group gap="xs">
        <State of={line.level} text={line.level} />
        <Text size="xs">{instant(line.at)}</Text>
        <Text size="xs">
          {line.process} v{line.version} · {node}
        </Text>
      </Group>
      <Text size="sm" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
        {line.text}
      </Text>
    </li>
  );
}
