// How a process begins (when asked, by the clock, by a message), and how long a waiting node waits.
import { SegmentedControl, Select, Stack, Text } from '@mantine/core';

import { t } from '../texts';
import type { Factory, Modeling, Moddle, Shape } from './bpmn';
import { DraftArea, DraftInput, DurationInput } from './fields';
import { everyOf } from './durations';
import { useSession } from './hooks';
import { definitionOf, messageOf, own, setMessage, setOwn, setTimer, textOf, timerOf } from './model';
import type { Session } from './session';

type Form = 'every' | 'cron' | 'date' | 'cycle' | 'duration';

function formOf(timer: { form: string; value: string }, starts: boolean): Form {
  if (timer.form === 'timeDate') return 'date';
  if (timer.form === 'timeDuration') return 'duration';
  if (starts && (timer.value === '' || everyOf(timer.value) !== null)) return 'every';
  return /^[RP]/.test(timer.value) ? 'cycle' : 'cron';
}

export const beginsBy = (element: Shape): 'start' | 'timer' | 'message' | 'other' => {
  const found = element.businessObject.get('eventDefinitions') as Moddle[] | undefined;
  if (!found || found.length === 0) return 'start';
  if (found.length === 1 && definitionOf(element, 'Timer')) return 'timer';
  if (found.length === 1 && definitionOf(element, 'Message')) return 'message';
  return 'other';
};

function changeKind(session: Session, element: Shape, kind: string): void {
  const type = kind === 'timer' ? 'bpmn:TimerEventDefinition' : kind === 'message' ? 'bpmn:MessageEventDefinition' : null;
  const made = type ? [session.get<Factory>('bpmnFactory').create(type)] : [];
  for (const each of made) each.$parent = element.businessObject;
  session.get<Modeling>('modeling').updateProperties(element, { eventDefinitions: made });
}

export function StartTab({ element }: { element: Shape }) {
  const [session] = useSession();
  const kind = beginsBy(element);
  if (kind === 'other') return <Text size="sm">{t.editor.panel.unsupported}</Text>;
  return (
    <Stack gap="sm">
      <SegmentedControl
        fullWidth
        aria-label={t.editor.schedule.kind}
        disabled={!session.mayEdit}
        value={kind}
        onChange={(chosen) => changeKind(session, element, chosen)}
        data={(['start', 'timer', 'message'] as const).map((each) => ({ value: each, label: t.editor.schedule.kinds[each] }))}
      />
      {kind === 'timer' && <TimerFields element={element} />}
      {kind === 'message' && (
        <DraftInput
          label={t.editor.schedule.message}
          disabled={!session.mayEdit}
          value={messageOf(element)}
          commit={(name) => setMessage(session, element, name.trim())}
        />
      )}
    </Stack>
  );
}

/** When a timer fires, and for schedules its zone, what of missed ticks, and the body. */
export function TimerFields({ element }: { element: Shape }) {
  const [session] = useSession();
  const timer = timerOf(element);
  if (!timer) return null;
  const off = !session.mayEdit;
  const starts = element.type === 'bpmn:StartEvent';
  const form = formOf(timer, starts);
  const forms: [Form, string][] = starts
    ? (['every', 'cron', 'date', 'cycle'] as const).map((each) => [each, t.editor.schedule.forms[each]])
    : (['duration', 'date', 'cycle', 'cron'] as const).map((each) => [each, t.editor.schedule.waitForms[each]]);
  const set = (form_: 'timeCycle' | 'timeDate' | 'timeDuration') => (value: string) => setTimer(session, element, form_, value.trim());
  const choose = (chosen: string) => {
    if (chosen === 'every') setTimer(session, element, 'timeCycle', 'R/PT1H');
    else if (chosen === 'cron') setTimer(session, element, 'timeCycle', '0 6 * * *');
    else if (chosen === 'date') setTimer(session, element, 'timeDate', new Date(Date.now() + 86_400_000).toISOString().slice(0, 19) + 'Z');
    else if (chosen === 'duration') setTimer(session, element, 'timeDuration', 'PT10M');
    else setTimer(session, element, 'timeCycle', `R/${new Date().toISOString().slice(0, 11)}00:00:00Z/P1D`);
  };
  return (
    <Stack gap="sm">
      <Select
        label={t.editor.schedule.when}
        allowDeselect={false}
        disabled={off}
        value={form}
        onChange={(chosen) => chosen && choose(chosen)}
        data={forms.map(([value, label]) => ({ value, label }))}
      />
      {form === 'every' && (
        <DurationInput
          label={t.editor.schedule.every}
          disabled={off}
          value={everyOf(timer.value) ?? ''}
          commit={(text) => set('timeCycle')(text === '' ? '' : `R/${text}`)}
        />
      )}
      {form === 'duration' && <DurationInput label={t.editor.schedule.duration} disabled={off} value={timer.value} commit={set('timeDuration')} />}
      {form === 'cron' && (
        <DraftInput label={t.editor.schedule.cron} description={t.editor.schedule.cronAbout} disabled={off} value={timer.value} commit={set('timeCycle')} />
      )}
      {form === 'date' && (
        <DraftInput label={t.editor.schedule.date} description={t.editor.schedule.dateAbout} disabled={off} value={timer.value} commit={set('timeDate')} />
      )}
      {form === 'cycle' && (
        <DraftInput label={t.editor.schedule.cycle} description={t.editor.schedule.cycleAbout} disabled={off} value={timer.value} commit={set('timeCycle')} />
      )}
      {starts && <ScheduleFields element={element} />}
    </Stack>
  );
}

function ScheduleFields({ element }: { element: Shape }) {
  const [session] = useSession();
  const schedule = own(element, 'segue:Schedule');
  const off = !session.mayEdit;
  const set = (fields: Record<string, string>) => setOwn(session, element, 'segue:Schedule', fields);
  return (
    <>
      <DraftInput
        label={t.editor.schedule.zone}
        description={t.editor.schedule.zoneAbout}
        disabled={off}
        value={textOf(schedule, 'zone')}
        commit={(zone) => set({ zone: zone.trim() })}
      />
      <Select
        label={t.editor.schedule.missed}
        allowDeselect={false}
        disabled={off}
        value={textOf(schedule, 'missed') || 'once'}
        onChange={(missed) => missed && set({ missed: missed === 'once' ? '' : missed })}
        data={(['once', 'skip', 'all'] as const).map((each) => ({ value: each, label: t.editor.schedule.misses[each] }))}
      />
      <DraftArea
        label={t.editor.schedule.body}
        description={t.editor.schedule.bodyAbout}
        disabled={off}
        rows={3}
        value={textOf(schedule, 'body')}
        commit={(body) => set({ body })}
      />
    </>
  );
}
