import { Group, Select, Stack, Table } from '@mantine/core';
import { useMemo } from 'react';

import { useInstances, useProcesses, type InstanceWhere } from '../api/queries';
import { duration } from '../lib/time';
import { numberOf, useParameters } from '../lib/url';
import { t } from '../texts';
import { Empty, Id, More, Page, Rows, Shown, State, When } from '../ui/parts';

const STATES = ['running', 'failed', 'finished', 'cancelled'] as const;
const SPANS: Record<string, number> = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 };
const MINUTE = 60_000;

export default function Instances() {
  return (
    <Page title={t.instances.title}>
      <InstanceList />
    </Page>
  );
}

export function InstanceList({ process }: { process?: string }) {
  const [parameters, change] = useParameters();
  const processes = useProcesses();
  const state = STATES.find((each) => each === parameters.get('state'));
  const span = parameters.get('since') ?? '';
  const wanted = process ?? (parameters.get('process') || undefined);
  const version = wanted ? numberOf(parameters.get('v')) : undefined;
  // To the minute, so that the same list is not asked for under a new name at every look.
  const since = useMemo(() => {
    const ms = SPANS[span];
    return ms === undefined ? undefined : Math.floor((Date.now() - ms) / MINUTE) * MINUTE;
  }, [span]);
  const where: InstanceWhere = { process: wanted, version, state, since };
  const found = useInstances(where);
  const chosen = processes.data?.find((each) => each.name === wanted);

  return (
    <Stack>
      <Group align="end">
        {process === undefined && (
          <Select
            label={t.instances.process}
            placeholder={t.all}
            clearable
            searchable
            value={wanted ?? null}
            onChange={(value) => change({ process: value, v: null })}
            data={(processes.data ?? []).map((each) => each.name)}
          />
        )}
        {chosen && (
          <Select
            label={t.instances.version}
            placeholder={t.all}
            clearable
            w={120}
            value={version ? String(version) : null}
            onChange={(value) => change({ v: value })}
            data={chosen.versions.map((each) => ({ value: String(each.version), label: `v${each.version}` }))}
          />
        )}
        <Select
          label={t.instances.state}
          placeholder={t.all}
          clearable
          w={150}
          value={state ?? null}
          onChange={(value) => change({ state: value })}
          data={STATES.map((each) => ({ value: each, label: t.state[each]! }))}
        />
        <Select
          label={t.instances.since}
          w={150}
          allowDeselect={false}
          value={SPANS[span] ? span : ''}
          onChange={(value) => change({ since: value })}
          data={Object.entries(t.instances.spans).map(([value, label]) => ({ value, label }))}
        />
      </Group>
      <Shown of={found}>
        {(data) => {
          const items = data.pages.flatMap((page) => page.items);
          if (items.length === 0) return <Empty title={t.instances.empty} about={t.instances.emptyAbout} />;
          return (
            <>
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
                    <Table.Td style={{ whiteSpace: 'nowrap' }}>
                      {instance.finished ? duration(instance.finished - instance.started) : '–'}
                    </Table.Td>
                    <Table.Td>{instance.live}</Table.Td>
                    <Table.Td>{instance.trash}</Table.Td>
                    <Table.Td>{instance.ok}</Table.Td>
                    <Table.Td>{instance.failed}</Table.Td>
                  </Table.Tr>
                ))}
              </Rows>
              <More query={found} />
            </>
          );
        }}
      </Shown>
    </Stack>
  );
}
