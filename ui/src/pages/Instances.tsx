import { Button, Group, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';

import type { Schemas } from '../api/client';
import { useInstances, useProcess, useProcesses, useSearch, type InstanceWhere } from '../api/queries';
import { duration, instant } from '../lib/time';
import { numberOf, useParameters } from '../lib/url';
import { t } from '../texts';
import { Empty, Id, More, Page, Rows, Shown, State, When } from '../ui/parts';
import { SavedViews } from '../ui/SavedViews';

type Instance = Schemas['InstanceOut'];

const STATES = ['running', 'failed', 'finished', 'cancelled'] as const;
const SPANS: Record<string, number> = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 };
const MINUTE = 60_000;
const FILTERS = ['process', 'v', 'state', 'since', 'from', 'until', 'match'] as const;

export default function Instances() {
  return (
    <Page title={t.instances.title} side={<SavedViews filters={FILTERS} />}>
      <InstanceList />
    </Page>
  );
}

export function InstanceList({ process }: { process?: string }) {
  const [parameters] = useParameters();
  const match = parameters.get('match') ?? '';
  const where = useWhere(process);
  return (
    <Stack>
      <Filters process={process} />
      {match ? <Searched where={where} match={match} /> : <All where={where} />}
    </Stack>
  );
}

function useWhere(process: string | undefined): InstanceWhere {
  const [parameters] = useParameters();
  const wanted = process ?? (parameters.get('process') || undefined);
  const span = parameters.get('since') ?? '';
  const from = instantOf(parameters.get('from'));
  // To the minute, so that the same list is not asked for under a new name at every look.
  const recent = useMemo(() => {
    const ms = SPANS[span];
    return ms === undefined ? undefined : Math.floor((Date.now() - ms) / MINUTE) * MINUTE;
  }, [span]);
  return {
    process: wanted,
    version: wanted ? numberOf(parameters.get('v')) : undefined,
    state: STATES.find((each) => each === parameters.get('state')),
    since: span === 'range' ? from : recent,
    until: span === 'range' ? instantOf(parameters.get('until')) : undefined,
  };
}

function instantOf(text: string | null): number | undefined {
  const found = text ? new Date(text).getTime() : Number.NaN;
  return Number.isNaN(found) || found < 0 ? undefined : found;
}

function Filters({ process }: { process: string | undefined }) {
  const [parameters, change] = useParameters();
  const processes = useProcesses(process === undefined);
  const wanted = process ?? (parameters.get('process') || undefined);
  const chosen = useProcess(wanted ?? '', wanted !== undefined);
  const span = parameters.get('since') ?? '';
  return (
    <Group align="end" gap="sm">
      <SearchField />
      {process === undefined && (
        <Select
          label={t.instances.process}
          placeholder={t.all}
          clearable
          searchable
          limit={100}
          w={200}
          value={wanted ?? null}
          onChange={(value) => change({ process: value, v: null })}
          data={(processes.data ?? []).map((each) => each.name)}
        />
      )}
      {wanted && chosen.data && (
        <Select
          label={t.instances.version}
          placeholder={t.all}
          clearable
          w={110}
          value={parameters.get('v')}
          onChange={(value) => change({ v: value })}
          data={chosen.data.versions.map((each) => ({ value: String(each.version), label: `v${each.version}` }))}
        />
      )}
      <Select
        label={t.instances.state}
        placeholder={t.all}
        clearable
        w={140}
        value={STATES.find((each) => each === parameters.get('state')) ?? null}
        onChange={(value) => change({ state: value })}
        data={STATES.map((each) => ({ value: each, label: t.state[each]! }))}
      />
      <Select
        label={t.instances.since}
        w={150}
        allowDeselect={false}
        value={SPANS[span] || span === 'range' ? span : ''}
        onChange={(value) => change({ since: value, from: null, until: null })}
        data={Object.entries(t.instances.spans).map(([value, label]) => ({ value, label }))}
      />
      {span === 'range' &&
        (['from', 'until'] as const).map((each) => (
          <TextInput
            key={each}
            type="datetime-local"
            label={t.explore[each]}
            value={parameters.get(each) ?? ''}
            onChange={(event) => change({ [each]: event.currentTarget.value })}
          />
        ))}
    </Group>
  );
}

function SearchField() {
  const [parameters, change] = useParameters();
  const match = parameters.get('match') ?? '';
  const [text, setText] = useState(match);
  useEffect(() => setText(match), [match]);
  return (
    <form
      style={{ flex: '1 1 280px', maxWidth: 460 }}
      onSubmit={(event) => {
        event.preventDefault();
        change({ match: text.trim() });
      }}
    >
      <TextInput
        label={t.explore.label}
        description={t.explore.about}
        placeholder={t.explore.placeholder}
        type="search"
        maxLength={500}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          if (event.currentTarget.value === '') change({ match: null });
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

function All({ where }: { where: InstanceWhere }) {
  const found = useInstances(where);
  return (
    <Shown of={found}>
      {(data) => {
        const items = data.pages.flatMap((page) => page.items);
        if (items.length === 0) return <Empty title={t.instances.empty} about={t.instances.emptyAbout} />;
        return (
          <>
            <InstanceTable items={items} />
            <More query={found} />
          </>
        );
      }}
    </Shown>
  );
}

function Searched({ where, match }: { where: InstanceWhere; match: string }) {
  const found = useSearch(where, match);
  return (
    <Shown of={found}>
      {(data) => {
        const items = data.pages.flatMap((page) => page.items);
        const reached = data.pages.at(-1)?.reached;
        return (
          <>
            {items.length > 0 && <InstanceTable items={items} />}
            {items.length === 0 && !found.hasNextPage && <Empty title={t.instances.empty} about={t.explore.end} />}
            <Group justify="center" aria-live="polite">
              <Text size="sm">{reached ? t.explore.reached(instant(reached)) : items.length > 0 && t.explore.end}</Text>
              {found.hasNextPage && (
                <Button variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
                  {t.explore.on}
                </Button>
              )}
            </Group>
          </>
        );
      }}
    </Shown>
  );
}

export function InstanceTable({ items }: { items: Instance[] }) {
  return (
    <Rows
      label={t.instances.title}
      head={[t.instances.id, t.instances.process, t.instances.state, t.instances.started, t.instances.took, t.instances.live, t.instances.trash, t.instances.ok, t.instances.failed]}
    >
      {items.map((instance) => (
        <Table.Tr key={instance.id}>
          <Table.Td>
            <Id value={instance.id} to={`/instance/${instance.id}`} />
          </Table.Td>
          <Table.Td>
            {instance.process} v{instance.version}
          </Table.Td>
          <Table.Td>
            <State of={instance.state} />
          </Table.Td>
          <Table.Td>
            <When at={instance.started} />
          </Table.Td>
          <Table.Td style={{ whiteSpace: 'nowrap' }}>{instance.finished ? duration(instance.finished - instance.started) : '–'}</Table.Td>
          <Table.Td>{instance.live}</Table.Td>
          <Table.Td>{instance.trash}</Table.Td>
          <Table.Td>{instance.ok}</Table.Td>
          <Table.Td>{instance.failed}</Table.Td>
        </Table.Tr>
      ))}
    </Rows>
  );
}
