"""What belongs together and what drives what: entities, drivers, symbols; one definition for corpus and answers."""
