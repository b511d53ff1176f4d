// Where messages meet or wait: joins, called processes, message events, and what watches an activity from its edge.
import { Autocomplete, Button, Group, Select, Stack, Switch, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';

import { useProcesses } from '../api/queries';
import { t } from '../texts';
import { is, type Modeling, type Shape } from './bpmn';
import { DraftInput } from './fields';
import { useSession } from './hooks';
import { WATCHERS } from './kinds';
import { watch } from './make';
import { definitionOf, errorCodeOf, messageOf, own, setErrorCode, setMessage, setOwn, textOf } from './model';
import { TimerFields } from './ScheduleTab';

const JOINING = ['merge', 'list', 'flows', 'first', 'last'] as const;
const COMING = ['replace', 'keep', 'merge'] as const;

/** What becomes of the bodies of messages that become one. */
export function JoinTab({ element }: { element: Shape }) {
  const [session] = useSession();
  const join = own(element, 'segue:Join');
  const off = !session.mayEdit;
  const gateway = is(element, 'bpmn:Gateway');
  const waits = textOf(join, 'waits') !== 'false';
  return (
    <Stack gap="sm">
      <Text size="sm">{gateway ? t.editor.meet.joinAbout : t.editor.meet.insideAbout}</Text>
      {gateway && (
        <Switch
          label={t.editor.meet.waits}
          description={t.editor.meet.waitsAbout}
          disabled={off}
          checked={waits}
          onChange={(event) => setOwn(session, element, 'segue:Join', { waits: event.currentTarget.checked ? '' : 'false' })}
        />
      )}
      {waits && (
        <Select
          label={t.editor.meet.bodies}
          description={t.editor.meet.joining[JOINING.find((each) => each === textOf(join, 'bodies')) ?? 'merge'][1]}
          allowDeselect={false}
          disabled={off}
          value={textOf(join, 'bodies') || 'merge'}
          onChange={(bodies) => bodies && setOwn(session, element, 'segue:Join', { bodies: bodies === 'merge' ? '' : bodies })}
          data={JOINING.map((value) => ({ value, label: t.editor.meet.joining[value][0] }))}
        />
      )}
    </Stack>
  );
}

/** What becomes of the body when something comes: the result of a call, or a message from outside. */
function Coming({ element, type }: { element: Shape; type: 'segue:Call' | 'segue:Message' }) {
  const [session] = useSession();
  const said = own(element, type);
  const off = !session.mayEdit;
  return (
    <>
      <Select
        label={t.editor.meet.result}
        allowDeselect={false}
        disabled={off}
        value={textOf(said, 'bodies') || 'replace'}
        onChange={(bodies) => bodies && setOwn(session, element, type, { bodies: bodies === 'replace' ? '' : bodies })}
        data={COMING.map((value) => ({ value, label: t.editor.meet.coming[value] }))}
      />
      <DraftInput
        label={t.editor.meet.into}
        description={t.editor.meet.intoAbout}
        disabled={off}
        value={textOf(said, 'into')}
        commit={(into) => setOwn(session, element, type, { into: into.trim() })}
      />
    </>
  );
}

/** Which process is called. */
export function CallTab({ element }: { element: Shape }) {
  const [session, state] = useSession();
  const processes = useProcesses();
  const found = state.nodes.find((each) => each.id === element.id);
  const named = textOf(own(element, 'segue:Call'), 'process');
  const standard = textOf(element.businessObject, 'calledElement');
  return (
    <Stack gap="sm">
      <Text size="sm">{t.editor.meet.callAbout}</Text>
      {found?.action && <Text size="sm">{t.editor.meet.callsAction}</Text>}
      <Autocomplete
        label={t.editor.meet.process}
        description={t.editor.meet.processAbout}
        placeholder={standard}
        disabled={!session.mayEdit}
        limit={50}
        data={(processes.data ?? []).map((each) => each.name)}
        value={named}
        onChange={(process) => setOwn(session, element, 'segue:Call', { process: process.trim() })}
      />
      <Coming element={element} type="segue:Call" />
    </Stack>
  );
}

/** Which message is waited for. */
export function MessageTab({ element }: { element: Shape }) {
  const [session] = useSession();
  const off = !session.mayEdit;
  return (
    <Stack gap="sm">
      <Text size="sm">{t.editor.meet.messageAbout}</Text>
      <DraftInput label={t.editor.schedule.message} disabled={off} value={messageOf(element)} commit={(name) => setMessage(session, element, name.trim())} />
      <DraftInput
        label={t.editor.meet.key}
        description={t.editor.meet.keyAbout}
        disabled={off}
        value={textOf(own(element, 'segue:Message'), 'key')}
        commit={(key) => setOwn(session, element, 'segue:Message', { key: key.trim() })}
      />
      <Coming element={element} type="segue:Message" />
    </Stack>
  );
}

/** An event on the edge of an activity: when it happens, and whether the activity goes on. */
export function BoundaryTab({ element }: { element: Shape }) {
  const [session] = useSession();
  const off = !session.mayEdit;
  const error = definitionOf(element, 'Error') !== undefined;
  const stops = element.businessObject.get('cancelActivity') !== false;
  return (
    <Stack gap="sm">
      {error ? (
        <DraftInput label={t.editor.meet.code} description={t.editor.meet.codeAbout} disabled={off} value={errorCodeOf(element)} commit={(code) => setErrorCode(session, element, code.trim())} />
      ) : (
        <Switch
          label={t.editor.meet.stops}
          description={t.editor.meet.stopsAbout}
          disabled={off}
          checked={stops}
          onChange={(event) => session.get<Modeling>('modeling').updateProperties(element, { cancelActivity: event.currentTarget.checked })}
        />
      )}
      {definitionOf(element, 'Timer') && <TimerFields element={element} />}
      {definitionOf(element, 'Message') && <MessageTab element={element} />}
    </Stack>
  );
}

/** What watches an activity, and a way to have it watched. */
export function WatchTab({ element }: { element: Shape }) {
  const [session] = useSession();
  const there = (element.attachers ?? []).filter((each) => is(each, 'bpmn:BoundaryEvent'));
  return (
    <Stack gap="sm">
      <Text size="sm">{t.editor.meet.watchAbout}</Text>
      {there.map((each) => {
        const kind = WATCHERS.find(({ definition }) => definitionOf(each, definition.replace(/^bpmn:|EventDefinition$/g, '')));
        return (
          <Button key={each.id} size="compact-sm" variant="default" justify="start" onClick={() => session.choose(each.id)}>
            {textOf(each.businessObject, 'name') || (kind ? t.editor.meet.watchers[kind.id] : each.id)}
          </Button>
        );
      })}
      <Group gap={6}>
        {WATCHERS.map(({ id, definition }) => (
          <Button key={id} size="compact-sm" variant="default" leftSection={<IconPlus size={14} />} disabled={!session.mayEdit} onClick={() => watch(session, element, definition)}>
            {t.editor.meet.watchers[id]}
          </Button>
        ))}
      </Group>
    </Stack>
  );
}
