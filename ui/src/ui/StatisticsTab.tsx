// How a version did lately: instances by the minute, and each node with its times.
import { Card, Stack, Table, Text, Title } from '@mantine/core';

import type { Schemas } from '../api/client';
import { useNodes, useStatistics, useTraffic } from '../api/queries';
import { duration, instant } from '../lib/time';
import { t } from '../texts';
import { Bars } from './Bars';
import { Empty, Rows, Shown } from './parts';

type Spread = Schemas['StepSpreadOut'];

export function StatisticsTab({ process, version }: { process: string; version: number }) {
  const statistics = useStatistics(process, version);
  const traffic = useTraffic(process);
  const nodes = useNodes(process, version);
  const nameOf = (id: string) => nodes.data?.find((node) => node.id === id)?.label ?? id;
  return (
    <Stack>
      <Card withBorder component="section" aria-label={t.statistics.traffic}>
        <Title order={2} size="h5" mb="xs">
          {t.statistics.traffic}
        </Title>
        <Shown of={traffic} rows={2}>
          {(data) => <Bars minutes={data} />}
        </Shown>
      </Card>
      <Shown of={statistics}>
        {(data) =>
          data.since === null ? (
            <Empty title={t.statistics.empty} about={t.statistics.emptyAbout} />
          ) : (
            <>
              <Text size="sm">{t.statistics.about(data.steps, instant(data.since))}</Text>
              <Rows
                label={t.process.tabs.statistics}
                head={[
                  t.statistics.node,
                  t.statistics.count,
                  t.statistics.rate,
                  t.statistics.failed,
                  t.statistics.repeats,
                  ...['waited', 'worked', 'worker', 'remote', 'cpu'].map((each) => (
                    <span key={each}>
                      {t.statistics[each as 'waited']}
                      <Text size="xs" c="dimmed" fw={400}>
                        {t.statistics.spread}
                      </Text>
                    </span>
                  )),
                ]}
              >
                {data.nodes.map((node) => (
                  <Table.Tr key={node.node}>
                    <Table.Td>{nameOf(node.node)}</Table.Td>
                    <Table.Td>{node.count.toLocaleString('en')}</Table.Td>
                    <Table.Td>{node.per_minute.toLocaleString('en')}</Table.Td>
                    <Table.Td>{node.failed}</Table.Td>
                    <Table.Td>{node.repeats}</Table.Td>
                    {[node.waited, node.worked, node.worker, node.remote, node.cpu].map((spread, index) => (
                      <Table.Td key={index} style={{ whiteSpace: 'nowrap' }}>
                        <SpreadText of={spread} />
                      </Table.Td>
                    ))}
                  </Table.Tr>
                ))}
              </Rows>
            </>
          )
        }
      </Shown>
    </Stack>
  );
}

function SpreadText({ of }: { of: Spread }) {
  if (of.most === 0) return <>–</>;
  return (
    <>
      {duration(of.median)} · {duration(of.p95)} · {duration(of.most)}
    </>
  );
}
