// Log lines: filtered, searched, followed as they are written, each with those around it. All of it is in the address.
import { Button, Group, Highlight, Select, Stack, Switch, Table, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useMemo, useState, type ReactNode } from 'react';

import { useLogs, type LogWhere } from '../api/queries';
import { instant } from '../lib/time';
import { useParameters } from '../lib/url';
import { t } from '../texts';
import { useNames } from '../ui/names';
import { Empty, Id, More, Rows, Shown, State } from '../ui/parts';
import { Around } from './Around';
import { merged, useTail, type Line, type TailState } from './tail';

const LEVELS = ['info', 'warning', 'error'] as const;
const SPANS: Record<string, number> = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 };
const MINUTE = 60_000;

interface Asked {
  where: LogWhere;
  follow: boolean;
  filtered: boolean;
}

function useAsked(fixed: LogWhere): Asked {
  const [parameters] = useParameters();
  const span = parameters.get('since') ?? '';
  // To the minute, so that the same list is not asked for under a new name at every look.
  const since = useMemo(() => (SPANS[span] === undefined ? undefined : Math.floor((Date.now() - SPANS[span]) / MINUTE) * MINUTE), [span]);
  const level = LEVELS.find((each) => each === parameters.get('level'));
  const text = parameters.get('text') || undefined;
  return { where: { ...fixed, level, text, since }, follow: parameters.get('follow') !== null, filtered: Boolean(level ?? text ?? since) };
}

/** The lines of `where`. What ran is read from its beginning; everything else begins with the newest. */
export function LogList({ where: fixed, more }: { where: { instance?: string | undefined; process?: string | undefined }; more?: ReactNode }) {
  const { where, follow, filtered } = useAsked(fixed);
  const found = useLogs(where, fixed.instance && !follow ? 'oldest' : 'newest');
  const tail = useTail(where, follow);
  return (
    <Stack>
      <Filters more={more} />
      {follow && <Following state={tail.state} />}
      <Shown of={found}>
        {(data) => {
          const stored = data.pages.flatMap((page) => page.items);
          const lines = follow ? merged(tail.lines, stored) : stored;
          if (lines.length === 0 && found.hasNextPage)
            return (
              <>
                <Empty title={t.logs.nothingYet} about={t.logs.nothingYetAbout} />
                <More query={found} label={t.logs.further} />
              </>
            );
          if (lines.length === 0) return <Empty title={filtered ? t.logs.nothing : t.logs.empty} about={filtered ? t.logs.nothingAbout : t.logs.emptyAbout} />;
          return (
            <>
              <Lines lines={lines} words={(where.text ?? '').split(/\s+/).filter(Boolean)} />
              <More query={found} />
            </>
          );
        }}
      </Shown>
      <Around />
    </Stack>
  );
}

function Following({ state }: { state: TailState }) {
  return (
    <Group gap="xs" role="status">
      <State of={state === 'stale' ? 'failed' : 'running'} text={state === 'stale' ? t.live.stale : t.live.live} />
      <Text size="sm">{state === 'stale' ? t.logs.broken : t.logs.following}</Text>
    </Group>
  );
}

function Filters({ more }: { more: ReactNode }) {
  const [parameters, change] = useParameters();
  return (
    <Group align="end" gap="sm">
      <Search />
      {more}
      <Select
        label={t.logs.least}
        placeholder={t.all}
        clearable
        w={180}
        value={LEVELS.find((each) => each === parameters.get('level')) ?? null}
        onChange={(level) => change({ level })}
        data={LEVELS.map((value) => ({ value, label: t.logs.levels[value] }))}
      />
      <Select
        label={t.logs.since}
        w={150}
        allowDeselect={false}
        value={SPANS[parameters.get('since') ?? ''] ? parameters.get('since') : ''}
        onChange={(since) => change({ since })}
        data={Object.entries(t.instances.spans)
          .filter(([value]) => value !== 'range')
          .map(([value, label]) => ({ value, label }))}
      />
      <Switch
        label={t.logs.follow}
        description={t.logs.followAbout}
        checked={parameters.get('follow') !== null}
        onChange={(event) => change({ follow: event.currentTarget.checked ? '1' : null })}
      />
    </Group>
  );
}

function Search() {
  const [parameters, change] = useParameters();
  const now = parameters.get('text') ?? '';
  const [text, setText] = useState(now);
  useEffect(() => setText(now), [now]);
  return (
    <form
      style={{ flex: '1 1 260px', maxWidth: 420 }}
      onSubmit={(event) => {
        event.preventDefault();
        change({ text: text.trim() });
      }}
    >
      <TextInput
        label={t.logs.search}
        description={t.logs.searchAbout}
        type="search"
        maxLength={500}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          if (event.currentTarget.value === '') change({ text: null });
        }}
        rightSection={
          <Button type="submit" size="compact-sm" variant="subtle" aria-label={t.search} px={6}>
            <IconSearch size={16} />
          </Button>
        }
      />
    </form>
  );
}

function Lines({ lines, words }: { lines: Line[]; words: string[] }) {
  const [parameters, change] = useParameters();
  const nameOf = useNames(lines);
  return (
    <Rows label={t.logs.title} head={[t.logs.at, t.logs.level, t.logs.text, t.logs.node, t.logs.instance, '']}>
      {lines.map((line) => (
        <Table.Tr key={line.seq} className={String(line.seq) === parameters.get('line') ? 'chosen' : undefined}>
          <Table.Td style={{ whiteSpace: 'nowrap' }}>{instant(line.at)}</Table.Td>
          <Table.Td>
            <State of={line.level} text={line.level} />
          </Table.Td>
          <Table.Td miw={220}>
            <Highlight size="sm" highlight={words} highlightStyles={{ backgroundColor: 'var(--found)', color: 'inherit' }} style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
              {line.text}
            </Highlight>
          </Table.Td>
          <Table.Td title={line.node}>
            {line.process} v{line.version} · {nameOf(line.process, line.version, line.node)}
          </Table.Td>
          <Table.Td>
            <Id value={line.instance} to={`/instance/${line.instance}`} />
          </Table.Td>
          <Table.Td>
            <Button size="compact-sm" variant="default" onClick={() => change({ line: String(line.seq) })}>
              {t.logs.around}
            </Button>
          </Table.Td>
        </Table.Tr>
      ))}
    </Rows>
  );
}
