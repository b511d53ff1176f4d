// A condition being written: with completion, checked by the server while one types, tried on the sample message.
import { Box, Group, Paper, Text, Textarea, UnstyledButton } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useId, useRef, useState, type KeyboardEvent } from 'react';

import { api, ask } from '../api/client';
import { t } from '../texts';
import { suggestionsFor, wordBefore, type Suggestion } from './cel';
import { useDebounced, useDraftText } from './hooks';

export function CelInput({
  label,
  description,
  value,
  language,
  sample,
  disabled,
  commit,
}: {
  label: string;
  description?: string;
  value: string;
  language: string;
  sample: string;
  disabled: boolean;
  commit: (text: string) => void;
}) {
  const draft = useDraftText(value, commit);
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const [offered, setOffered] = useState<Suggestion[]>([]);
  const [at, setAt] = useState(0);
  const offer = (text: string, cursor: number) => {
    setOffered(suggestionsFor(text, cursor, sample, t.editor.condition.variables));
    setAt(0);
  };
  const take = (suggestion: Suggestion) => {
    const field = area.current!;
    const cursor = field.selectionStart;
    const from = cursor - wordBefore(draft.text, cursor).length;
    const next = draft.text.slice(0, from) + suggestion.text + draft.text.slice(cursor);
    draft.set(next);
    setOffered([]);
    const end = from + suggestion.text.length - suggestion.back;
    requestAnimationFrame(() => {
      field.focus();
      field.setSelectionRange(end, end);
    });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.ctrlKey && event.key === ' ') {
      offer(draft.text, event.currentTarget.selectionStart);
      event.preventDefault();
    } else if (offered.length === 0) {
      if (event.key === 'Enter' && !event.shiftKey) {
        draft.flush();
        event.preventDefault();
      }
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      setAt((at + (event.key === 'ArrowDown' ? 1 : -1) + offered.length) % offered.length);
      event.preventDefault();
    } else if (event.key === 'Enter' || event.key === 'Tab') {
      take(offered[at]!);
      event.preventDefault();
    } else if (event.key === 'Escape') {
      setOffered([]);
      event.stopPropagation();
    }
  };
  return (
    <Box pos="relative">
      <Textarea
        ref={area}
        label={label}
        description={description}
        placeholder={t.editor.condition.placeholder}
        disabled={disabled}
        autosize
        minRows={1}
        maxRows={8}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
        aria-autocomplete="list"
        aria-controls={offered.length > 0 ? `${id}-list` : undefined}
        aria-activedescendant={offered.length > 0 ? `${id}-${at}` : undefined}
        value={draft.text}
        onChange={(event) => {
          draft.set(event.currentTarget.value);
          offer(event.currentTarget.value, event.currentTarget.selectionStart);
        }}
        onKeyDown={onKeyDown}
        onBlur={() => {
          draft.flush();
          setOffered([]);
        }}
      />
      {offered.length > 0 && (
        <Paper withBorder shadow="md" pos="absolute" left={0} right={0} style={{ zIndex: 20 }} role="listbox" id={`${id}-list`} aria-label={t.editor.condition.suggestions}>
          {offered.map((each, index) => (
            <UnstyledButton
              key={each.text}
              id={`${id}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === at}
              className="segue-suggestion"
              onMouseDown={(event) => {
                event.preventDefault();
                take(each);
              }}
            >
              <Text size="sm" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
                {each.text}
              </Text>
              <Text size="xs" c="dimmed" truncate>
                {each.about}
              </Text>
            </UnstyledButton>
          ))}
        </Paper>
      )}
      <Verdict source={draft.text} language={language} sample={sample} />
    </Box>
  );
}

function Verdict({ source, language, sample }: { source: string; language: string; sample: string }) {
  const asked = useDebounced(JSON.stringify([source.trim(), language, sample]), 300);
  const [text, spoken, body] = JSON.parse(asked) as [string, string, string];
  const found = useQuery({
    queryKey: ['condition', asked],
    enabled: text !== '',
    staleTime: Infinity,
    retry: false,
    queryFn: () =>
      ask(api.POST('/api/v1/conditions/check', { body: { source: text, language: spoken, ...(body.trim() ? { sample: { body, headers: { 'content-type': 'application/json' } } } : {}) } })),
  });
  if (text === '') return null;
  const data = found.data;
  if (found.error) return <Line bad text={found.error.message} />;
  if (!data || source.trim() !== text) return <Line text={t.editor.condition.checking} />;
  if (data.problem) return <Line bad text={data.problem} />;
  return (
    <Box role="status">
      <Line good text={data.cel === text ? t.editor.condition.good : t.editor.condition.means(data.cel ?? '')} />
      {data.answer === true && <Line good text={t.editor.condition.holds} />}
      {data.answer === false && <Line no text={t.editor.condition.fails} />}
      {data.failure && <Line bad text={data.failure} />}
    </Box>
  );
}

function Line({ text, good, bad, no }: { text: string; good?: boolean; bad?: boolean; no?: boolean }) {
  return (
    <Group gap={6} mt={4} wrap="nowrap" align="flex-start">
      {good && <IconCheck size={15} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />}
      {bad && <IconAlertTriangle size={15} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />}
      {no && <IconX size={15} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />}
      <Text size="xs" className={bad ? 'segue-bad' : undefined} style={{ overflowWrap: 'anywhere' }}>
        {text}
      </Text>
    </Group>
  );
}
