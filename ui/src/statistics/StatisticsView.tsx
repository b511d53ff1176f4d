// What nodes and instances did, as the engine counted it: span by span, by process, by node, and what limits it now.
import { Alert, Anchor, Card, Group, Stack, Table, Text, Title } from '@mantine/core';
import { Link } from 'wouter';

import type { Schemas } from '../api/client';
import { useBottlenecks, useFigures, type FigureWhere } from '../api/queries';
import { duration } from '../lib/time';
import { processHref } from '../lib/url';
import { t } from '../texts';
import { Bars } from '../ui/Bars';
import { useNames } from '../ui/names';
import { Empty, Rows, Shown } from '../ui/parts';
import { inSpans } from './spans';

type Spread = Schemas['SpreadOut'];
type Node = Schemas['NodePointOut'];

export function StatisticsView({ where }: { where: FigureWhere }) {
  const figures = useFigures(where);
  return (
    <Stack>
      <Limiting where={where} />
      <Shown of={figures}>
        {(data) =>
          data.nodes.length === 0 && data.processes.length === 0 ? (
            <Empty title={t.statistics.empty} about={t.statistics.emptyAbout} />
          ) : (
            <>
              <Card withBorder component="section" aria-label={t.statistics.instances}>
                <Title order={2} size="h5" mb="xs">
                  {t.statistics.instances}
                </Title>
                <Bars minutes={inSpans(data.points, where.span, Date.now())} span={where.span} ended />
              </Card>
              <Processes of={data.processes} />
              <Nodes of={data.nodes} where={where} />
              <Hosts of={data.nodes} />
              <Text size="sm">{t.statistics.about}</Text>
            </>
          )
        }
      </Shown>
    </Stack>
  );
}

function Limiting({ where }: { where: FigureWhere }) {
  const found = useBottlenecks(where.process);
  const versions = (found.data ?? []).filter((each) => where.version === undefined || each.version === where.version);
  const limited = versions.map((each) => ({ ...each, nodes: each.nodes.filter((node) => node.cause !== 'none') })).filter((each) => each.nodes.length > 0);
  if (versions.length === 0) return null;
  return (
    <Alert color={limited.length > 0 ? 'yellow' : 'teal'} title={t.statistics.limiting} role="status">
      {limited.length === 0 ? (
        <Text size="sm">{t.statistics.free}</Text>
      ) : (
        limited.map((each) => (
          <Text key={`${each.process} ${each.version}`} size="sm" style={{ overflowWrap: 'anywhere' }}>
            <Anchor component={Link} size="sm" underline="always" href={processHref(each.process, { version: each.version, node: each.nodes[0]!.node })}>
              {each.process} v{each.version}
            </Anchor>
            : {each.nodes[0]!.sentence}
          </Text>
        ))
      )}
    </Alert>
  );
}

function Heading({ text }: { text: string }) {
  return (
    <Title order={2} size="h5">
      {text}
    </Title>
  );
}

/** A column whose cells are spreads says so in its head. */
const spreads = (names: string[]) =>
  names.map((name) => (
    <span key={name}>
      {name}
      <Text size="xs" c="dimmed" fw={400}>
        {t.statistics.spread}
      </Text>
    </span>
  ));

function Processes({ of }: { of: Schemas['ProcessPointOut'][] }) {
  if (of.length === 0) return null;
  return (
    <>
      <Heading text={t.statistics.processes} />
      <Rows
        label={t.statistics.processes}
        head={[t.statistics.process, t.statistics.started, t.statistics.finished, t.statistics.endedFailed, t.statistics.cancelled, ...spreads([t.statistics.took])]}
      >
        {of.map((each) => (
          <Table.Tr key={`${each.process} ${each.version}`}>
            <Table.Td>
              <Anchor component={Link} size="sm" underline="always" href={processHref(each.process, { tab: 'statistics', version: each.version })}>
                {each.process} v{each.version}
              </Anchor>
            </Table.Td>
            {[each.started, each.finished, each.failed, each.cancelled].map((count, index) => (
              <Table.Td key={index}>{count.toLocaleString('en')}</Table.Td>
            ))}
            <Times of={each.duration} />
          </Table.Tr>
        ))}
      </Rows>
    </>
  );
}

function Nodes({ of, where }: { of: Node[]; where: FigureWhere }) {
  const nameOf = useNames(of);
  const several = where.version === undefined;
  if (of.length === 0) return null;
  return (
    <>
      <Heading text={t.statistics.nodes} />
      <Rows
        label={t.statistics.nodes}
        head={[
          t.statistics.node,
          t.statistics.count,
          t.statistics.failed,
          t.statistics.repeats,
          ...spreads([t.statistics.waiting, t.statistics.processing, t.statistics.response, t.statistics.remote, t.statistics.cpu, t.statistics.limits]),
          t.statistics.depth,
        ]}
      >
        {of.map((node) => (
          <Table.Tr key={`${node.process} ${node.version} ${node.node}`}>
            <Table.Td miw={150} title={node.node}>
              {several && `${node.process} v${node.version} · `}
              {nameOf(node.process, node.version, node.node)}
            </Table.Td>
            {[node.handled, node.failures, node.repeats].map((count, index) => (
              <Table.Td key={index}>{count.toLocaleString('en')}</Table.Td>
            ))}
            {[node.waiting, node.processing, node.response, node.remote, node.cpu, node.limit_waits].map((spread, index) => (
              <Times key={index} of={spread} />
            ))}
            <Table.Td style={{ whiteSpace: 'nowrap' }}>{node.depth ? [node.depth.p50, node.depth.p95, node.depth.max].map((count) => Math.round(count).toLocaleString('en')).join(' · ') : '–'}</Table.Td>
          </Table.Tr>
        ))}
      </Rows>
    </>
  );
}

function Hosts({ of }: { of: Node[] }) {
  const nameOf = useNames(of);
  const calls = of.flatMap((node) =>
    node.hosts.map((host) => ({
      ...host,
      key: `${node.process} ${node.version} ${node.node}`,
      at: `${node.process} v${node.version} · ${nameOf(node.process, node.version, node.node)}`,
    })),
  );
  if (calls.length === 0) return null;
  return (
    <>
      <Heading text={t.statistics.hosts} />
      <Rows label={t.statistics.hosts} head={[t.statistics.host, t.statistics.node, t.statistics.calls, ...spreads([t.statistics.took]), t.statistics.statuses]}>
        {calls.map((each) => (
          <Table.Tr key={`${each.key} ${each.host}`}>
            <Table.Td>{each.host}</Table.Td>
            <Table.Td>{each.at}</Table.Td>
            <Table.Td>{each.took.count.toLocaleString('en')}</Table.Td>
            <Times of={each.took} />
            <Table.Td>
              <Group gap="xs">
                {Object.entries(each.statuses).map(([status, count]) => (
                  <Text key={status} size="sm">
                    {status === '0' ? t.statistics.unanswered : status}: {count.toLocaleString('en')}
                  </Text>
                ))}
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </Rows>
    </>
  );
}

function Times({ of }: { of: Spread | null }) {
  return <Table.Td style={{ whiteSpace: 'nowrap' }}>{of === null || of.max === 0 ? '–' : `${duration(of.p50)} · ${duration(of.p95)} · ${duration(of.max)}`}</Table.Td>;
}
