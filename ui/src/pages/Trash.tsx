import { t } from '../texts';
import { Page } from '../ui/parts';
import { PlacedList } from '../ui/placed';

export default function Trash() {
  return (
    <Page title={t.trash.title}>
      <PlacedList place="trash" />
    </Page>
  );
}
