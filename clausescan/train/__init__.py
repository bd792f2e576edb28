"""How the compact model is trained: see GUIDE.md beside this file."""
