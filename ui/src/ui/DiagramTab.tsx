// The diagram of a version with live numbers, and beside it what is to know of the chosen node.
import { Alert, Anchor, Button, Card, Chip, Grid, Group, Select, SimpleGrid, Stack, Text, Title, Tooltip } from '@mantine/core';
import { useMemo } from 'react';
import { Link } from 'wouter';

import type { Schemas } from '../api/client';
import { useNodeCounts } from '../api/outside';
import { useDrawing, useLastMessages, useNodes, useQueues, useServices, useStatistics, useTest } from '../api/queries';
import { HEATS, heatOf, marksOf, numbersOf, OVERLAYS, USUAL, type Numbers, type Overlay } from '../diagram/marks';
import { duration } from '../lib/time';
import { href, useParameter } from '../lib/url';
import { t } from '../texts';
import { LazyDiagram } from './LazyDiagram';
import { Fact, Failure, Shown, State, When } from './parts';

// No version has more nodes.
const NODES = 2000;

export function DiagramTab({ process, version }: { process: string; version: number }) {
  const drawing = useDrawing(process, version);
  const nodes = useNodes(process, version);
  const [node, setNode] = useParameter('node');
  const [shown, setShown] = useParameter('show');
  const [heatBy, setHeat] = useParameter('heat');
  const [testing, setTesting] = useParameter('test');
  const test = useTest(process, version, testing !== '');
  const heat = HEATS.find((each) => each === heatBy);
  const on = useMemo(() => new Set(shown === '' ? USUAL : OVERLAYS.filter((each) => shown.split(',').includes(each))), [shown]);
  const numbers = useNumbers(process, version, testing === '' ? undefined : test.data);
  const checks = testing === '' ? [] : (test.data ?? []);

  return (
    <Grid>
      <Grid.Col span={{ base: 12, lg: 9 }}>
        <Stack gap="xs">
          <Group justify="space-between" gap="xs">
            <Chip.Group multiple value={[...on]} onChange={(values) => setShown(asked(values as Overlay[]), true)}>
              <Group gap={6} role="group" aria-label={t.process.overlays}>
                {OVERLAYS.filter((each) => each !== 'test' || testing !== '').map((each) => (
                  <Chip key={each} value={each} size="xs" variant="outline">
                    {t.process.overlay[each]}
                  </Chip>
                ))}
              </Group>
            </Chip.Group>
            <Group gap="xs">
              <Select
                aria-label={t.process.heat}
                placeholder={t.process.heat}
                size="xs"
                w={150}
                clearable
                value={heat ?? null}
                onChange={(value) => setHeat(value, true)}
                data={HEATS.map((each) => ({ value: each, label: t.process.heats[each] }))}
              />
              <Tooltip label={t.testing.about} multiline maw={260}>
                <Button
                  size="xs"
                  variant="default"
                  loading={test.isFetching}
                  onClick={() => (testing === '' ? setTesting('1', true) : void test.refetch())}
                >
                  {testing === '' ? t.testing.run : t.testing.again}
                </Button>
              </Tooltip>
            </Group>
          </Group>
          {testing !== '' && <TestResult of={test} hide={() => setTesting(null, true)} choose={(id) => setNode(id, true)} />}
          <Shown of={drawing} rows={8}>
            {(xml) => (
              <LazyDiagram
                xml={xml}
                label={t.process.diagramOf(process, version)}
                marks={marksOf(numbers, on, t.process.overlay)}
                painted={{
                  chosen: node,
                  heat: heat ? [...heatOf(numbers, heat)] : [],
                  broken: checks.filter((check) => check.problem !== null).map((check) => check.node),
                  fine: checks.filter((check) => check.problem === null).map((check) => check.node),
                }}
                choose={(id) => setNode(nodes.data?.some((each) => each.id === id) ? id : null, true)}
              />
            )}
          </Shown>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 3 }}>
        <Shown of={nodes} rows={4}>
          {(data) => <NodePanel nodes={data} chosen={data.find((each) => each.id === node)} choose={setNode} numbers={numbers} where={{ process, version }} />}
        </Shown>
      </Grid.Col>
    </Grid>
  );
}

/** The overlays for the address: empty when they are the usual ones, "none" when there is none. */
function asked(values: Overlay[]): string {
  const usual = USUAL.every((each) => values.includes(each)) && values.every((each) => USUAL.includes(each));
  return usual ? '' : values.join(',') || 'none';
}

function useNumbers(process: string, version: number, checks: Schemas['NodeCheckOut'][] | undefined): Map<string, Numbers> {
  const queues = useQueues(process);
  const services = useServices();
  const statistics = useStatistics(process, version);
  const trash = useNodeCounts('trash', { process, version }, NODES);
  const tasks = useNodeCounts('tasks', { process, version }, NODES);
  return useMemo(() => {
    const found = numbersOf(version, queues.data ?? [], trash.data ?? [], tasks.data ?? []);
    addLanes(found, services.data?.find((each) => each.process === process && each.version === version));
    const at = (node: string) => {
      const numbers = found.get(node) ?? { queue: 0, flight: 0, trash: 0, tasks: 0, held: null };
      found.set(node, numbers);
      return numbers;
    };
    for (const one of statistics.data?.nodes ?? []) {
      Object.assign(at(one.node), { rate: one.per_minute, median: one.worked.median, p95: one.worked.p95 });
    }
    for (const check of checks ?? []) at(check.node).test = check.problem;
    return found;
  }, [process, version, queues.data, services.data, statistics.data, trash.data, tasks.data, checks]);
}

function TestResult({ of, hide, choose }: { of: ReturnType<typeof useTest>; hide: () => void; choose: (node: string) => void }) {
  if (of.error) return <Failure error={of.error} />;
  if (of.data === undefined) return null;
  const bad = of.data.filter((check) => check.problem !== null);
  const title = of.data.length === 0 ? t.testing.none : bad.length === 0 ? t.testing.fine : t.testing.bad(bad.length, of.data.length);
  return (
    <Alert color={bad.length ? 'red' : 'teal'} title={title} withCloseButton onClose={hide} closeButtonLabel={t.testing.hide} role="status">
      {bad.map((check) => (
        <Text key={check.node} size="sm" style={{ overflowWrap: 'anywhere' }}>
          <Anchor component="button" type="button" size="sm" underline="always" onClick={() => choose(check.node)}>
            {check.label}
          </Anchor>
          : {check.problem}
        </Text>
      ))}
    </Alert>
  );
}

function addLanes(numbers: Map<string, Numbers>, service: Schemas['ServiceOut'] | undefined): void {
  for (const lane of service?.lanes ?? []) {
    const found = numbers.get(lane.node) ?? { queue: 0, flight: 0, trash: 0, tasks: 0, held: null };
    if (lane.in_flight === 0 && lane.held === null && !numbers.has(lane.node)) continue;
    numbers.set(lane.node, { ...found, flight: Math.max(found.flight, lane.in_flight), held: found.held ?? lane.held });
  }
}

function NodePanel({
  nodes,
  chosen,
  choose,
  numbers,
  where,
}: {
  nodes: Schemas['NodeOut'][];
  chosen: Schemas['NodeOut'] | undefined;
  choose: (node: string, replace?: boolean) => void;
  numbers: Map<string, Numbers>;
  where: { process: string; version: number };
}) {
  const found = chosen && numbers.get(chosen.id);
  return (
    <Stack>
      <Card withBorder component="section" aria-label={chosen?.label ?? t.process.nodes}>
        {chosen === undefined ? (
          <Text size="sm">{t.process.clickNode}</Text>
        ) : (
          <Stack gap="xs">
            <Title order={2} size="h5" style={{ overflowWrap: 'anywhere' }}>
              {chosen.label}
            </Title>
            <SimpleGrid cols={2} spacing="xs">
              <Fact name={t.node.kind}>{chosen.element}</Fact>
              {chosen.action && <Fact name={t.node.worker}>{chosen.action.worker}</Fact>}
              {chosen.action && (
                <Fact name={t.node.action}>
                  {chosen.action.name} ({chosen.action.kind})
                </Fact>
              )}
              {chosen.action && <Fact name={t.node.prefetch}>{chosen.prefetch}</Fact>}
              {chosen.action && <Fact name={t.node.timeout}>{duration(chosen.timeout_ms)}</Fact>}
              {chosen.action && chosen.priority > 0 && <Fact name={t.node.priority}>{chosen.priority}</Fact>}
              <Fact name={t.node.queued}>{found?.queue ?? 0}</Fact>
              <Fact name={t.node.flight}>{found?.flight ?? 0}</Fact>
              <Fact name={t.node.trash}>{found?.trash ?? 0}</Fact>
              <Fact name={t.node.tasks}>{found?.tasks ?? 0}</Fact>
            </SimpleGrid>
            {found?.rate !== undefined && (
              <SimpleGrid cols={3} spacing="xs">
                <Fact name={t.process.overlay.rate}>{found.rate}/min</Fact>
                <Fact name={t.node.median}>{duration(found.median ?? 0)}</Fact>
                <Fact name={t.node.p95}>{duration(found.p95 ?? 0)}</Fact>
              </SimpleGrid>
            )}
            {found?.test && <Fact name={t.testing.run}>{found.test}</Fact>}
            {found?.held && <Fact name={t.node.held}>{found.held}</Fact>}
            {chosen.action && <LastMessages {...where} node={chosen.id} />}
            {(found?.trash ?? 0) > 0 && (
              <Anchor component={Link} size="sm" underline="always" href={href('/trash', { ...where, node: chosen.id })}>
                {t.node.toTrash}
              </Anchor>
            )}
            {(found?.tasks ?? 0) > 0 && (
              <Anchor component={Link} size="sm" underline="always" href={href('/tasks', { ...where, node: chosen.id })}>
                {t.node.toTasks}
              </Anchor>
            )}
          </Stack>
        )}
      </Card>
      <Card withBorder component="nav" aria-label={t.process.nodes} mah={320} style={{ overflowY: 'auto' }}>
        <Text size="xs" c="dimmed" mb={4}>
          {t.process.nodes}
        </Text>
        {nodes.map((node) => (
          <Anchor
            key={node.id}
            component="button"
            type="button"
            size="sm"
            display="block"
            ta="left"
            py={3}
            fw={node.id === chosen?.id ? 700 : 400}
            aria-current={node.id === chosen?.id}
            onClick={() => choose(node.id, true)}
          >
            {node.label}
          </Anchor>
        ))}
      </Card>
    </Stack>
  );
}

/** What left the node last. */
function LastMessages({ process, version, node }: { process: string; version: number; node: string }) {
  const found = useLastMessages(process, version, node);
  return (
    <div>
      <Text size="xs" c="dimmed">
        {t.node.last}
      </Text>
      <Shown of={found} rows={2}>
        {(data) =>
          data.length === 0 ? (
            <Text size="sm">–</Text>
          ) : (
            data.map((each) => (
              <Group key={each.message} gap="xs" wrap="nowrap" justify="space-between">
                <Anchor component={Link} size="sm" underline="always" href={href(`/instance/${each.instance}`, { message: each.message })}>
                  <When at={each.ended} />
                </Anchor>
                <Group gap={6} wrap="nowrap">
                  <Text size="xs">{duration(each.ended - each.taken)}</Text>
                  <State of={each.outcome === 'ok' ? 'finished' : each.outcome === 'failed' || each.outcome === 'discarded' ? 'failed' : 'info'} text={each.outcome} />
                </Group>
              </Group>
            ))
          )
        }
      </Shown>
    </div>
  );
}
