// Two versions compared: what was added, removed and changed, on both drawings and field by field.
import { Card, Code, Group, Select, Skeleton, Stack, Table, Text, UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo } from 'react';

import { api, ask, askText, type Schemas } from '../api/client';
import { numberOf, useParameter, useParameters } from '../lib/url';
import { t } from '../texts';
import { Shown } from '../ui/parts';
import { changesOf, fieldName, paintOf, shown, type Change, type GraphDiff } from './diff';

const Pair = lazy(() => import('./Pair'));

export function Compare({ process }: { process: Schemas['ProcessOut'] }) {
  const [parameters, change] = useParameters();
  const numbers = process.versions.map((version) => version.version);
  const from = numberOf(parameters.get('from')) ?? numbers.at(-2)!;
  const to = numberOf(parameters.get('to')) ?? numbers.at(-1)!;
  const choices = [...process.versions].reverse().map((each) => ({ value: String(each.version), label: `v${each.version} ${t.state[each.state] ?? each.state}` }));
  return (
    <Stack gap="xs" component="section" aria-label={t.versions.diff} id="compare">
      <Group align="flex-end">
        <Select label={t.versions.from} w={150} allowDeselect={false} data={choices} value={String(from)} onChange={(value) => change({ from: value, change: null })} />
        <Text pb={6} aria-hidden>
          →
        </Text>
        <Select label={t.versions.to} w={150} allowDeselect={false} data={choices} value={String(to)} onChange={(value) => change({ to: value, change: null })} />
      </Group>
      <Difference process={process.name} from={from} to={to} />
    </Stack>
  );
}

/** A draft changes under its number, so its drawing is asked for anew with the lists of the process. */
function useComparison(process: string, from: number, to: number) {
  return useQuery({
    queryKey: ['diff', process, from, to],
    queryFn: async () => {
      const drawing = (number: number) => askText(`/api/v1/processes/${encodeURIComponent(process)}/versions/${number}/drawing`);
      const diff = ask(api.GET('/api/v1/processes/{process}/diff', { params: { path: { process }, query: { from, to } } }));
      const [found, before, after] = await Promise.all([diff, drawing(from), drawing(to)]);
      return { diff: found as unknown as GraphDiff, before, after };
    },
  });
}

function Difference({ process, from, to }: { process: string; from: number; to: number }) {
  const found = useComparison(process, from, to);
  return (
    <Shown of={found} rows={6}>
      {(data) => <Differences from={from} to={to} data={data} />}
    </Shown>
  );
}

function Differences({ from, to, data }: { from: number; to: number; data: { diff: GraphDiff; before: string; after: string } }) {
  const [chosen, choose] = useParameter('change');
  const changes = useMemo(() => changesOf(data.diff), [data.diff]);
  return (
    <Stack gap="sm">
      <Text size="sm" role="status">
        {changes.length === 0 ? t.versions.same : t.versions.counted(count(changes, 'added'), count(changes, 'removed'), count(changes, 'changed'))}
      </Text>
      <Suspense fallback={<Skeleton height={320} />}>
        <Pair
          before={{ xml: data.before, label: t.versions.side(from), paint: paintOf(changes, 'before') }}
          after={{ xml: data.after, label: t.versions.side(to), paint: paintOf(changes, 'after') }}
          chosen={chosen}
          choose={(id) => choose(changes.some((each) => each.id === id) ? id : null, true)}
        />
      </Suspense>
      {changes.map((each) => (
        <Card key={`${each.of} ${each.id}`} withBorder padding="xs" component="section" aria-label={`${t.versions.kinds[each.kind]}: ${each.label}`}>
          <UnstyledButton w="100%" aria-pressed={chosen !== '' && chosen === each.id} onClick={() => choose(chosen === each.id ? null : each.id, true)}>
            <Group gap="xs" wrap="nowrap">
              <span className={`segue-kind ${each.kind}`}>{t.versions.kinds[each.kind]}</span>
              <Text size="sm" fw={chosen !== '' && chosen === each.id ? 700 : 500} style={{ overflowWrap: 'anywhere' }}>
                {each.of === 'process' ? t.versions.process : each.label}
              </Text>
              <Text size="xs" c="dimmed">
                {t.versions.of[each.of]}
              </Text>
            </Group>
          </UnstyledButton>
          {each.fields.length > 0 && <Fields change={each} from={from} to={to} />}
        </Card>
      ))}
    </Stack>
  );
}

const count = (changes: Change[], kind: Change['kind']) => changes.filter((each) => each.kind === kind).length;

function Fields({ change, from, to }: { change: Change; from: number; to: number }) {
  return (
    <Table mt={4} layout="fixed" aria-label={t.versions.fieldsOf(change.label)}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t.versions.field}</Table.Th>
          <Table.Th>v{from}</Table.Th>
          <Table.Th>v{to}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {change.fields.map((each) => (
          <Table.Tr key={each.field}>
            <Table.Td>{fieldName(each.field)}</Table.Td>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>
              <Code>{shown(each.field, each.before)}</Code>
            </Table.Td>
            <Table.Td style={{ overflowWrap: 'anywhere' }}>
              <Code>{shown(each.field, each.after)}</Code>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
