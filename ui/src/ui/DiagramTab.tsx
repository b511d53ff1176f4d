// The diagram of a version with live numbers, and beside it what is to know of the chosen node.
import { Anchor, Card, Chip, Grid, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useMemo } from 'react';
import { Link } from 'wouter';

import type { Schemas } from '../api/client';
import { useDrawing, useNodes, usePlaced, useQueues, useServices } from '../api/queries';
import { marksOf, numbersOf, OVERLAYS, type Numbers, type Overlay } from '../diagram/marks';
import { duration } from '../lib/time';
import { href, useParameter } from '../lib/url';
import { t } from '../texts';
import { LazyDiagram } from './LazyDiagram';
import { Fact, Shown } from './parts';

// Of trash and user tasks so many are looked at for the numbers on the diagram.
const COUNTED = 500;

export function DiagramTab({ process, version }: { process: string; version: number }) {
  const drawing = useDrawing(process, version);
  const nodes = useNodes(process, version);
  const queues = useQueues(process);
  const services = useServices();
  const trash = usePlaced('trash', { process, version }, COUNTED);
  const tasks = usePlaced('tasks', { process, version }, COUNTED);
  const [node, setNode] = useParameter('node');
  const [off, setOff] = useParameter('hide');
  const hidden = useMemo(() => new Set(off.split(',')), [off]);
  const on = useMemo(() => new Set(OVERLAYS.filter((each) => !hidden.has(each))), [hidden]);
  const numbers = useMemo(() => {
    const found = numbersOf(version, queues.data ?? [], trash.data?.pages[0]?.items ?? [], tasks.data?.pages[0]?.items ?? []);
    addLanes(found, services.data?.find((each) => each.process === process && each.version === version));
    return found;
  }, [process, version, queues.data, services.data, trash.data, tasks.data]);

  return (
    <Grid>
      <Grid.Col span={{ base: 12, lg: 9 }}>
        <Stack gap="xs">
          <Chip.Group multiple value={[...on]} onChange={(values) => setOff(OVERLAYS.filter((each) => !values.includes(each)).join(','), true)}>
            <Group gap={6} role="group" aria-label={t.process.overlays}>
              {OVERLAYS.map((each) => (
                <Chip key={each} value={each} size="xs" variant="outline">
                  {t.process.overlay[each]}
                </Chip>
              ))}
            </Group>
          </Chip.Group>
          <Shown of={drawing} rows={8}>
            {(xml) => (
              <LazyDiagram
                xml={xml}
                label={t.process.diagramOf(process, version)}
                marks={marksOf(numbers, on, t.process.overlay as Record<Overlay, string>)}
                painted={{ chosen: node }}
                choose={(id) => setNode(nodes.data?.some((each) => each.id === id) ? id : null, true)}
              />
            )}
          </Shown>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 3 }}>
        <Shown of={nodes} rows={4}>
          {(data) => (
            <NodePanel
              nodes={data}
              chosen={data.find((each) => each.id === node)}
              choose={setNode}
              numbers={numbers}
              where={{ process, version }}
            />
          )}
        </Shown>
      </Grid.Col>
    </Grid>
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
              <Fact name={t.node.queued}>{found?.queue ?? 0}</Fact>
              <Fact name={t.node.flight}>{found?.flight ?? 0}</Fact>
              <Fact name={t.node.trash}>{found?.trash ?? 0}</Fact>
              <Fact name={t.node.tasks}>{found?.tasks ?? 0}</Fact>
            </SimpleGrid>
            {found?.held && <Fact name={t.node.held}>{found.held}</Fact>}
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
