"""The look-up index that answers are made from."""
