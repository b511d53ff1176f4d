// Fields of the panel: texts that wait until one pauses, durations with a unit.
import { Group, NumberInput, type NumberInputProps, Select, Textarea, TextInput, type TextInputProps } from '@mantine/core';

import { t } from '../texts';
import { iso, simple, UNITS, type Unit } from './durations';
import { useDraftText } from './hooks';

type Plain = Omit<TextInputProps, 'value' | 'onChange' | 'defaultValue'>;

export function DraftInput({ value, commit, ...rest }: Plain & { value: string; commit: (text: string) => void }) {
  const draft = useDraftText(value, commit);
  return (
    <TextInput
      {...rest}
      value={draft.text}
      onChange={(event) => draft.set(event.currentTarget.value)}
      onBlur={draft.flush}
      onKeyDown={(event) => {
        if (event.key === 'Enter') draft.flush();
      }}
    />
  );
}

export function DraftArea({
  value,
  commit,
  label,
  description,
  rows = 2,
  disabled,
}: {
  value: string;
  commit: (text: string) => void;
  label: string;
  description?: string;
  rows?: number;
  disabled?: boolean;
}) {
  const draft = useDraftText(value, commit);
  return (
    <Textarea
      label={label}
      description={description}
      disabled={disabled}
      autosize
      minRows={rows}
      maxRows={14}
      value={draft.text}
      onChange={(event) => draft.set(event.currentTarget.value)}
      onBlur={draft.flush}
    />
  );
}

/** A whole number of the file; empty where the file has none. What is no number in the file shows as empty, too. */
export function NumberField({
  value,
  commit,
  ...rest
}: Pick<NumberInputProps, 'label' | 'description' | 'placeholder' | 'min' | 'max' | 'disabled'> & {
  value: string;
  commit: (text: string) => void;
}) {
  return (
    <NumberInput
      {...rest}
      allowDecimal={false}
      value={value === '' || Number.isNaN(Number(value)) ? '' : Number(value)}
      onChange={(number) => commit(String(number))}
    />
  );
}

/** An ISO 8601 duration as number and unit; as it is written where it is not that simple. */
export function DurationInput({
  label,
  description,
  value,
  commit,
  disabled,
  placeholder,
}: {
  label: string;
  description?: string;
  value: string;
  commit: (text: string) => void;
  disabled?: boolean;
  placeholder?: string;
}) {
  const found = value === '' ? null : simple(value);
  if (value !== '' && found === null) {
    return <DraftInput label={`${label} (${t.editor.raw})`} description={description} value={value} commit={commit} disabled={disabled} />;
  }
  const unit: Unit = found?.unit ?? 's';
  return (
    <Group gap="xs" align="flex-end" wrap="nowrap">
      <NumberInput
        flex={1}
        label={label}
        description={description}
        placeholder={placeholder}
        min={0}
        allowDecimal={false}
        allowNegative={false}
        disabled={disabled}
        value={found ? found.count : ''}
        onChange={(count) => commit(count === '' ? '' : iso({ count: Math.floor(Number(count)), unit }))}
      />
      <Select
        aria-label={`${label}: ${t.editor.unit}`}
        w={110}
        allowDeselect={false}
        disabled={disabled || found === null}
        data={UNITS.map((each) => ({ value: each, label: t.editor.units[each] }))}
        value={unit}
        onChange={(chosen) => found && chosen && commit(iso({ count: found.count, unit: chosen as Unit }))}
      />
    </Group>
  );
}
