// Beside the drawing: the settings of what is chosen, or the process and its nodes.
import { Button, Card, Code, Group, ScrollArea, Select, Stack, Table, Tabs, Text, TextInput, Title, UnstyledButton } from '@mantine/core';
import { IconArrowRight, IconPlus, IconReplace, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';

import { useParameter } from '../lib/url';
import { t } from '../texts';
import { Id } from '../ui/parts';
import { ActionTab } from './ActionTab';
import { is, type Canvas, type Modeling, type Moddle, type Registry, type Shape } from './bpmn';
import { ConditionsTab, FlowTab, flowName } from './ConditionsTab';
import { DraftArea, DraftInput } from './fields';
import { useSession } from './hooks';
import { fits } from './kinds';
import { inOrder, labelOf, openMenu } from './menus';
import { BoundaryTab, CallTab, JoinTab, MessageTab, WatchTab } from './MeetTabs';
import { foreign, notesOf, own, setNotes, textOf } from './model';
import { StartTab, TimerFields, beginsBy } from './ScheduleTab';
import type { Session } from './session';
import { LimitTab, QueueTab, RepeatTab } from './WorkTabs';

export type TabName = keyof typeof t.editor.panel.tabs;

/** The tabs that something has, the one first that is most of it. */
export function tabsOf(element: Shape): TabName[] {
  const found: TabName[] = [];
  const joins = is(element, 'bpmn:InclusiveGateway') || is(element, 'bpmn:ParallelGateway');
  if (is(element, 'bpmn:Task') || is(element, 'bpmn:CallActivity')) {
    // A call activity calls a process, or an action where one is assigned to it.
    if (is(element, 'bpmn:CallActivity')) found.push('call');
    found.push('action', 'queue', 'repeat', 'limit', 'watch');
  } else if (is(element, 'bpmn:SubProcess')) found.push('join', 'watch');
  else if (is(element, 'bpmn:StartEvent')) found.push('schedule');
  else if (is(element, 'bpmn:BoundaryEvent')) found.push('when');
  else if (is(element, 'bpmn:Event') && beginsBy(element) === 'timer') found.push('wait');
  else if (is(element, 'bpmn:IntermediateCatchEvent') && beginsBy(element) === 'message') found.push('message');
  else if (is(element, 'bpmn:ExclusiveGateway') || joins) {
    found.push('conditions');
    if (joins && (element.incoming.length > 1 || own(element, 'segue:Join'))) found.push('join');
  } else if (is(element, 'bpmn:SequenceFlow')) found.push('condition');
  found.push('notes');
  if (foreign(element).length > 0 || Object.keys(element.businessObject.$attrs ?? {}).some((name) => name.includes(':'))) found.push('foreign');
  return found;
}

export function Panel() {
  const [session, state] = useSession();
  const selected = state.selected.map((each) => each.labelTarget ?? each);
  const one = selected.length === 1 ? selected[0]! : undefined;
  return (
    <Card withBorder className="segue-panel" component="section" aria-label={t.editor.panel.label} padding="sm" id="segue-panel">
      {selected.length > 1 ? (
        <Stack gap="xs">
          <Title order={2} size="h5">
            {t.editor.panel.several(selected.length)}
          </Title>
          <Text size="sm">{t.editor.panel.severalAbout}</Text>
        </Stack>
      ) : one && session.get<Registry>('elementRegistry').get(one.id) && one.type !== 'bpmn:Process' && one.type !== 'bpmn:Collaboration' ? (
        <ElementPanel key={one.id} element={one} />
      ) : (
        <ProcessPanel />
      )}
    </Card>
  );
}

function kindName(element: Shape): string {
  return element.type.replace('bpmn:', '').replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase().replace(/^./, (first) => first.toUpperCase());
}

function ElementPanel({ element }: { element: Shape }) {
  const [session] = useSession();
  const tabs = tabsOf(element);
  const [wanted, setTab] = useParameter('tab');
  const tab = tabs.find((each) => each === wanted) ?? tabs[0]!;
  const flow = is(element, 'bpmn:SequenceFlow');
  const node = is(element, 'bpmn:FlowNode');
  const off = !session.mayEdit;
  return (
    <Stack gap="sm">
      <div>
        <Text size="xs" c="dimmed">
          {flow ? t.editor.panel.flow : kindName(element)}
        </Text>
        <Title order={2} size="h5" style={{ overflowWrap: 'anywhere' }}>
          {flow ? flowName(element) : labelOf(element)}
        </Title>
      </div>
      <DraftInput
        label={t.editor.panel.name}
        disabled={off}
        data-panel-first
        value={textOf(element.businessObject, is(element, 'bpmn:TextAnnotation') ? 'text' : 'name')}
        commit={(name) => session.get<Modeling>('modeling').updateLabel(element, name)}
      />
      <Group gap={6}>
        {node && (
          <Button size="compact-sm" variant="default" disabled={off || is(element, 'bpmn:EndEvent')} leftSection={<IconPlus size={14} />} onClick={() => openMenu(session, 'append', element)}>
            {t.editor.panel.append}
          </Button>
        )}
        {node && (
          <Button size="compact-sm" variant="default" disabled={off || is(element, 'bpmn:EndEvent')} leftSection={<IconArrowRight size={14} />} onClick={() => openMenu(session, 'connect', element)}>
            {t.editor.panel.connect}
          </Button>
        )}
        {node && (
          <Button size="compact-sm" variant="default" disabled={off} leftSection={<IconReplace size={14} />} onClick={() => openMenu(session, 'replace', element)}>
            {t.editor.panel.change}
          </Button>
        )}
        <Button size="compact-sm" variant="default" disabled={off} leftSection={<IconTrash size={14} />} onClick={() => remove(session, element)}>
          {t.editor.panel.delete}
        </Button>
      </Group>
      <Tabs value={tab} onChange={(value) => setTab(value, true)} keepMounted={false}>
        <Tabs.List>
          {tabs.map((each) => (
            <Tabs.Tab key={each} value={each} px={10}>
              {t.editor.panel.tabs[each]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map((each) => (
          <Tabs.Panel key={each} value={each} pt="sm">
            <TabBody tab={each} element={element} />
          </Tabs.Panel>
        ))}
      </Tabs>
      <Group gap={6}>
        <Text size="xs" c="dimmed">
          {t.editor.panel.id}
        </Text>
        <Id value={element.id} />
      </Group>
    </Stack>
  );
}

function remove(session: Session, element: Shape): void {
  session.get<Modeling>('modeling').removeElements([element]);
  session.get<Canvas>('canvas').focus();
}

function TabBody({ tab, element }: { tab: TabName; element: Shape }) {
  const [session] = useSession();
  if (tab === 'action') return <ActionTab element={element} />;
  if (tab === 'queue') return <QueueTab element={element} />;
  if (tab === 'repeat') return <RepeatTab element={element} />;
  if (tab === 'limit') return <LimitTab element={element} />;
  if (tab === 'schedule') return <StartTab element={element} />;
  if (tab === 'wait') return <TimerFields element={element} />;
  if (tab === 'conditions') return <ConditionsTab element={element} />;
  if (tab === 'condition') return <FlowTab flow={element} />;
  if (tab === 'join') return <JoinTab element={element} />;
  if (tab === 'call') return <CallTab element={element} />;
  if (tab === 'message') return <MessageTab element={element} />;
  if (tab === 'when') return <BoundaryTab element={element} />;
  if (tab === 'watch') return <WatchTab element={element} />;
  if (tab === 'foreign') return <Foreign element={element} />;
  return <DraftArea label={t.editor.notes.label} description={t.editor.notes.about} rows={5} disabled={!session.mayEdit} value={notesOf(element)} commit={(text) => setNotes(session, element, text)} />;
}

/** What other tools wrote about a node, for reading. */
function Foreign({ element }: { element: Shape }) {
  const attributes = Object.entries(element.businessObject.$attrs ?? {}).filter(([name]) => name.includes(':'));
  return (
    <Stack gap="xs">
      <Text size="sm">{t.editor.panel.readOnly}</Text>
      {foreign(element).map((each, index) => (
        <Code block key={index}>
          {asText(each)}
        </Code>
      ))}
      {attributes.length > 0 && (
        <Table aria-label={t.editor.panel.attributes}>
          <Table.Tbody>
            {attributes.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Td>{name}</Table.Td>
                <Table.Td style={{ overflowWrap: 'anywhere' }}>{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}

function asText(element: Moddle, depth = 0): string {
  const { $children, $body } = element as Moddle & { $children?: Moddle[]; $body?: string };
  const fields = Object.entries({ ...element, ...(element.$attrs ?? {}) })
    .filter(([name, value]) => !name.startsWith('$') && (typeof value === 'string' || typeof value === 'number'))
    .map(([name, value]) => ` ${name}="${String(value)}"`)
    .join('');
  const indent = '  '.repeat(depth);
  const inside = ($children ?? []).map((each) => asText(each, depth + 1)).join('\n');
  if (!inside && !$body) return `${indent}<${element.$type}${fields} />`;
  return `${indent}<${element.$type}${fields}>${$body ?? ''}${inside ? `\n${inside}\n${indent}` : ''}</${element.$type}>`;
}

function ProcessPanel() {
  const [session, state] = useSession();
  const [search, setSearch] = useState('');
  const root = session.get<Canvas>('canvas').getRootElement();
  const processes = session.processes();
  const process = processes.find((each) => each.id === state.key) ?? processes[0];
  const nodes = inOrder(session.get<Registry>('elementRegistry'));
  const shown = nodes.filter((each) => search.trim() === '' || fits(search, labelOf(each), each.id, each.type));
  const severity = new Map<string, string>();
  for (const finding of state.findings) {
    if (finding.node && finding.severity !== 'info' && severity.get(finding.node) !== 'error') severity.set(finding.node, finding.severity);
  }
  return (
    <Stack gap="sm">
      <Title order={2} size="h5">
        {t.editor.panel.process}
      </Title>
      {processes.length > 1 && (
        <Select
          label={t.editor.panel.key}
          description={t.editor.panel.keyAbout}
          allowDeselect={false}
          disabled={!session.mayEdit}
          value={state.key ?? null}
          onChange={(key) => key && session.chooseProcess(key)}
          data={processes.map((each) => ({ value: each.id!, label: textOf(each, 'name') || each.id! }))}
        />
      )}
      {process && root.type === 'bpmn:Process' && (
        <DraftInput
          label={t.editor.panel.name}
          disabled={!session.mayEdit}
          data-panel-first
          value={textOf(process, 'name')}
          commit={(name) => session.get<Modeling>('modeling').updateModdleProperties(root, process, { name })}
        />
      )}
      {root.type === 'bpmn:Process' && (
        <DraftArea label={t.editor.notes.label} disabled={!session.mayEdit} value={notesOf(root)} commit={(text) => setNotes(session, root, text)} />
      )}
      <div>
        <Group justify="space-between" mb={4}>
          <Text size="sm" fw={600}>
            {t.editor.panel.nodes} ({nodes.length})
          </Text>
          <Button size="compact-sm" variant="default" disabled={!session.mayEdit} leftSection={<IconPlus size={14} />} onClick={() => openMenu(session, 'create')}>
            {t.editor.menus.titles.create}
          </Button>
        </Group>
        {nodes.length > 8 && <TextInput aria-label={t.editor.panel.filter} placeholder={t.editor.panel.filter} size="xs" mb={6} value={search} onChange={(event) => setSearch(event.currentTarget.value)} />}
        {nodes.length === 0 ? (
          <Text size="sm">{t.editor.panel.noNodes}</Text>
        ) : (
          <ScrollArea.Autosize mah={360} type="auto">
            <Stack gap={2} component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
              {shown.slice(0, 300).map((each) => (
                <li key={each.id}>
                  <UnstyledButton className="segue-node" onClick={() => session.choose(each.id)}>
                    <Text size="sm" truncate>
                      {labelOf(each)}
                    </Text>
                    <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
                      {severity.has(each.id) ? `${severity.get(each.id)} · ` : ''}
                      {kindName(each)}
                    </Text>
                  </UnstyledButton>
                </li>
              ))}
            </Stack>
          </ScrollArea.Autosize>
        )}
      </div>
    </Stack>
  );
}
